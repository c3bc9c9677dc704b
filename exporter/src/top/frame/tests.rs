#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::path::Path;
use std::time::{Duration, Instant};

use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::*;
use crate::top::choice::Key;
use crate::top::history::Times;
use crate::top::reading::Reading;
use crate::top::view::View;

/// A page on which each router has counted `factor` times what it has on the first.
fn page(factor: u32) -> Reading {
    let mut page = format!(
        "process_uptime_seconds {}\nhoptap_build_info{{service_version=\"0.1.0\"}} 1\n\
         hoptap_attached{{hoptap_probe=\"sys_exit\"}} 1\nhoptap_attached{{hoptap_probe=\"t_svc\"}} 0\n\
         hoptap_requests_total{{hoptap_request_state=\"seen\"}} {}\n\
         hoptap_drops_total{{hoptap_drop_cause=\"ring_full\"}} {}\n\
         http_server_active_requests{{traefik_entrypoint_name=\"web\",http_request_method=\"GET\"}} 4\n",
        100 + 5 * factor,
        150 * factor,
        3 * factor
    );
    for (number, router) in (1..).zip(ROUTERS) {
        for (status, more) in [("200", 10 * number), ("404", number), ("502", if number % 2 == 0 { number } else { 0 })]
        {
            let labels = format!(
                "traefik_entrypoint_name=\"web\",traefik_router_name=\"{router}\",http_response_status_code=\"{status}\""
            );
            let count = more * factor;
            for (bound, share) in [("0.001", 1), ("0.01", 2), ("0.1", 3), ("10.0", 4), ("+Inf", 5)] {
                let up_to = count * share / 5;
                page += &format!("http_server_request_duration_seconds_bucket{{le=\"{bound}\",{labels}}} {up_to}\n");
            }
            page += &format!("http_server_request_duration_seconds_count{{{labels}}} {count}\n");
            page += &format!("http_server_response_body_size_bytes_sum{{{labels}}} {}\n", count * 3000);
        }
        for (bound, share) in [("0.0001", 1), ("0.001", 2), ("+Inf", 2)] {
            let labels = format!("le=\"{bound}\",traefik_router_name=\"{router}\"");
            page += &format!("traefik_proxy_overhead_seconds_bucket{{{labels}}} {}\n", number * factor * share);
        }
    }
    let mut reading = Reading::default();
    page.lines().for_each(|line| reading.line(line));
    reading
}

const ROUTERS: [&str; 6] = [
    "api@docker",
    "shop@docker",
    "parent@file -> child-with-a-very-long-name@file",
    "users@kubernetescrd",
    "größe@file",
    "web-to-websecure@internal",
];

fn history() -> History {
    let mut history = History::new(Duration::from_secs(5));
    let start = Instant::now();
    for factor in 1..=2 {
        let at = start + Duration::from_secs(5) * factor;
        history.push(page(factor), Times { asked: at, answered: at });
    }
    history
}

/// What is on a screen of that size after the keys, against `golden/NAME.txt`.
#[track_caller]
fn check(name: &str, (width, height): (u16, u16), history: &History, keys: &[Key]) {
    let mut choice = Choice::new(View::Routers, Column::Rate);
    keys.iter().for_each(|key| choice.press(*key));
    let around = Surroundings { from: "127.0.0.1:9464", age: Some(0.34), message: None };
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| draw(frame, history, &mut choice, &around)).unwrap();
    let buffer = terminal.backend().buffer();
    let line = |y| (0..width).map(|x| buffer[(x, y)].symbol()).collect::<String>().trim_end().to_owned() + "\n";
    let found: String = (0..height).map(line).collect();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("src/top/golden/{name}.txt"));
    if std::env::var_os("UPDATE").is_some_and(|value| value == "1") {
        std::fs::write(&path, &found).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(found == expected, "golden/{name}.txt is stale; UPDATE=1 rewrites it. Now it is:\n{found}");
}

#[test]
fn frames() {
    let history = history();
    check("routers", (80, 24), &history, &[]);
    check("wide", (130, 16), &history, &[]);
    check("entrypoints", (80, 24), &history, &[Key::Character('1')]);
    check("nothing-there", (80, 24), &history, &[Key::Character('4')]);
    check("sorted", (80, 24), &history, &[Key::Right, Key::Character('i')]);
    check("scrolled", (80, 10), &history, &[Key::End]);
    check("small", (40, 8), &history, &[Key::Character(' ')]);
    let filter = ['/', 'D', 'o', 'c', 'k'].map(Key::Character);
    check("filter", (80, 24), &history, &filter);
    check("counting", (80, 24), &History::new(Duration::from_secs(5)), &[]);
}

/// However small the window is made.
#[test]
fn no_size_is_too_small() {
    let history = history();
    let mut choice = Choice::new(View::Routers, Column::Rate);
    let around = Surroundings { from: "x", age: None, message: Some("a message") };
    for (width, height) in [(1, 1), (2, 3), (5, 5), (7, 40), (300, 2), (1000, 60)] {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal.draw(|frame| draw(frame, &history, &mut choice, &around)).unwrap();
    }
}
