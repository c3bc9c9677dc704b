//! What is learned while the file is read and needed to judge it as a whole, with places.

use std::ops::Range;

use super::stacks::Level;
use crate::rules::{Expression, Macros};

#[derive(Default)]
pub(super) struct Notes {
    /// None until the macros were read, or where they are too broken to be used.
    pub(super) macros: Option<Macros>,
    pub(super) named: Vec<MacroNote>,
    pub(super) stacks: Vec<StackNote>,
    /// The plugins of the stack and the rules of the plugin that is being read.
    pub(super) plugins: Vec<PluginNote>,
    pub(super) rules: Vec<RuleNote>,
    /// Where exchanges go that are captured in full.
    pub(super) object_stores: Vec<Range<usize>>,
    pub(super) ids: Vec<String>,
    /// `tap.http.stack` is there.
    pub(super) tap_has_stack: bool,
}

pub(super) struct MacroNote {
    pub(super) name: String,
    pub(super) at: Range<usize>,
    pub(super) text: String,
}

pub(super) struct StackNote {
    pub(super) name: String,
    pub(super) at: Range<usize>,
    pub(super) plugins: Vec<PluginNote>,
    pub(super) used: bool,
}

pub(super) struct PluginNote {
    pub(super) level: Level,
    pub(super) rules: Vec<RuleNote>,
}

pub(super) struct RuleNote {
    /// The rule's first line.
    pub(super) at: Range<usize>,
    pub(super) name: String,
    pub(super) text: String,
    pub(super) expression: Expression,
    pub(super) level: Level,
}
