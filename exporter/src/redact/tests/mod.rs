#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod bodies;
mod names;
mod patterns;
mod planted;
mod noise;

use super::*;

/// Settings from lists of words.
fn settings(headers: &str, query: &str, cookies: &str, json: &str, form: &str) -> Settings {
    let list = |words: &str| words.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    Settings {
        headers: list(headers),
        query: list(query),
        cookies: if cookies.is_empty() { Cookies::Hidden } else { Cookies::Named(list(cookies)) },
        json: list(json),
        form: list(form),
        patterns: Vec::new(),
    }
}

fn patterns(patterns: &[&str]) -> Redaction {
    let patterns = patterns.iter().map(|pattern| (*pattern).to_owned()).collect();
    Redaction::new(&Settings { patterns, ..Settings::default() }).unwrap()
}
