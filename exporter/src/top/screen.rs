//! The terminal while the tables are on it: taken over, drawn once a second and after each key, and given back
//! whatever happens.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, TryRecvError, sync_channel};
use std::time::{Duration, Instant};

use crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::choice::{Choice, Key};
use super::frame::{self, Surroundings};
use super::history::{History, Times};
use super::reading::Reading;
use super::source::{self, Source};

/// Between two readings.
const EVERY: Duration = Duration::from_secs(1);
/// How long a key or a signal may wait, and how often the age of the numbers is drawn anew.
const NAP: Duration = Duration::from_millis(100);

const NO_TRAEFIK: &str = "no Traefik is watched: waiting for one to start";

type Answer = Result<(Reading, Times), source::Error>;

/// The terminal, ours until this is dropped or the program panics.
#[derive(Debug)]
pub struct Screen(ratatui::DefaultTerminal);

impl Screen {
    /// # Errors
    /// Standard output is no terminal that can be taken over.
    pub fn open() -> io::Result<Self> {
        // Gives the terminal back before a panic is printed, in whatever thread it comes.
        ratatui::try_init().map(Self)
    }

    /// Shows what `source` says until the user has seen enough, or `stop` is set. `note` is what the log said last.
    ///
    /// # Errors
    /// The terminal does not take or give what it must.
    pub fn run(
        mut self,
        source: Box<dyn Source>,
        from: &str,
        mut choice: Choice,
        window: Duration,
        stop: &AtomicBool,
        note: impl Fn() -> Option<String>,
    ) -> io::Result<()> {
        let answers = follow(source)?;
        let mut history = History::new(window);
        let mut failed = None;
        while !choice.done && !stop.load(Relaxed) {
            if !choice.paused {
                failed = take(&answers, &mut history)?.unwrap_or(failed);
            }
            let watched = history.latest().is_none_or(|latest| latest.processes() > 0.0);
            let message = failed.clone().or_else(&note).or_else(|| (!watched).then(|| NO_TRAEFIK.to_owned()));
            let age = history.answered().map(|answered| answered.elapsed().as_secs_f64());
            let around = Surroundings { from, age, message: message.as_deref() };
            self.0.draw(|frame| frame::draw(frame, &history, &mut choice, &around))?;
            wait(&mut choice)?;
        }
        Ok(())
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // Where the terminal is gone there is nothing to give back.
        let _ = self.0.show_cursor();
        ratatui::restore();
    }
}

/// Reads on a thread of its own: a source that does not answer must not hold up the keys.
fn follow(mut source: Box<dyn Source>) -> io::Result<Receiver<Answer>> {
    let (sender, answers) = sync_channel(1);
    std::thread::Builder::new().name("readings".into()).spawn(move || {
        loop {
            let begun = Instant::now();
            if sender.send(source.read()).is_err() {
                return;
            }
            std::thread::sleep(EVERY.saturating_sub(begun.elapsed()));
        }
    })?;
    Ok(answers)
}

/// Takes over what was read: what failed last, or that nothing does any more. None: nothing new.
fn take(answers: &Receiver<Answer>, history: &mut History) -> io::Result<Option<Option<String>>> {
    let mut news = None;
    loop {
        match answers.try_recv() {
            Ok(Ok((reading, times))) => {
                history.push(reading, times);
                news = Some(None);
            }
            Ok(Err(error)) => news = Some(Some(error.to_string())),
            Err(TryRecvError::Empty) => return Ok(news),
            Err(TryRecvError::Disconnected) => return Err(io::Error::other("the thread that reads has ended")),
        }
    }
}

/// Waits for keys, and takes all that came.
fn wait(choice: &mut Choice) -> io::Result<()> {
    let mut patience = NAP;
    while event::poll(patience)? {
        patience = Duration::ZERO;
        // A new size is drawn by the next frame.
        if let Event::Key(pressed) = event::read()?
            && let Some(key) = key(&pressed)
        {
            choice.press(key);
        }
    }
    Ok(())
}

fn key(event: &KeyEvent) -> Option<Key> {
    if event.kind == KeyEventKind::Release {
        return None;
    }
    Some(match event.code {
        KeyCode::Char('c') if event.modifiers.contains(KeyModifiers::CONTROL) => Key::Interrupt,
        KeyCode::Char(_) if event.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT) => return None,
        KeyCode::Char(character) => Key::Character(character),
        KeyCode::Esc => Key::Escape,
        KeyCode::Enter => Key::Enter,
        KeyCode::Backspace => Key::Backspace,
        KeyCode::Tab => Key::Tab,
        KeyCode::Left => Key::Left,
        KeyCode::Right => Key::Right,
        KeyCode::Up => Key::Up,
        KeyCode::Down => Key::Down,
        KeyCode::PageUp => Key::PageUp,
        KeyCode::PageDown => Key::PageDown,
        KeyCode::Home => Key::Home,
        KeyCode::End => Key::End,
        _ => return None,
    })
}
