//! `hoptap top`: rates, errors and durations of entrypoints, routers, services and servers, for people without Grafana.
//!
//! A source gives pages of hoptap's metrics, two of them make a window, a window makes rows, and rows become frames
//! of a screen or lines of text. Only `source`, `batch` and `screen` touch the world.

pub mod exposition;
mod source;
mod own;
mod buckets;
mod totals;
mod view;
mod reading;
mod history;
mod row;
mod number;
mod column;
mod sheet;
mod plain;
mod json;
mod batch;
mod choice;
mod frame;
mod screen;

pub use batch::{Error as BatchError, run as batch};
pub use choice::Choice;
pub use column::Column;
pub use history::History;
pub use json::line as json;
pub use own::Own;
pub use plain::table;
pub use screen::Screen;
pub use sheet::Sheet;
pub use source::{DEFAULT, Error, Remote, Source};
pub use view::View;
