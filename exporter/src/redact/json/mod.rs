//! Values in JSON by their paths, found without reading more of the text than where things begin and end.

mod fold;
mod path;
mod paths;
mod scan;
#[cfg(test)]
mod tests;

pub(super) use path::parse;
pub(super) use paths::Paths;
pub(super) use scan::{Broken, DEEPEST, looks_like_json, scan};
