//! Trace and span ids, and the W3C trace context that a request may bring (<https://www.w3.org/TR/trace-context/>).

use std::sync::Arc;

use crate::exchange::Context;

/// Ids that look random and are a function of the stream: a replay gives the same ones.
#[derive(Debug)]
pub struct Ids(u64);

impl Ids {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// SplitMix64 (Steele, Lea, Flood 2014): passes for random, one addition of state. Never 0, which means "no id".
    pub fn draw(&mut self) -> u64 {
        loop {
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut mixed = self.0;
            mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            mixed ^= mixed >> 31;
            if mixed != 0 {
                return mixed;
            }
        }
    }

    /// The context of a client request: a child of what it brought, else a trace of its own.
    pub fn server(&mut self, traceparent: Option<&str>, tracestate: Option<&str>) -> Context {
        match traceparent.and_then(parse) {
            Some((trace_id, parent, sampled)) => Context {
                trace_id,
                span_id: self.draw(),
                parent: Some(parent),
                parent_is_remote: true,
                sampled: Some(sampled),
                trace_state: tracestate.map(Arc::from),
            },
            None => Context {
                trace_id: (u128::from(self.draw()) << 64) | u128::from(self.draw()),
                span_id: self.draw(),
                parent: None,
                parent_is_remote: false,
                sampled: None,
                trace_state: None,
            },
        }
    }

    /// The context of an upstream attempt of that request.
    pub fn child(&mut self, of: &Context) -> Context {
        Context {
            trace_id: of.trace_id,
            span_id: self.draw(),
            parent: Some(of.span_id),
            parent_is_remote: false,
            sampled: of.sampled,
            trace_state: of.trace_state.clone(),
        }
    }
}

/// `version-traceid-parentid-flags`: trace id, parent id, sampled. A later version may carry more fields.
fn parse(header: &str) -> Option<(u128, u64, bool)> {
    let mut fields = header.trim().split('-');
    let (version, trace, parent, flags) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
    let widths = version.len() == 2 && trace.len() == 32 && parent.len() == 16 && flags.len() == 2;
    let lower = |text: &str| text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    if !widths || ![version, trace, parent, flags].into_iter().all(lower) || version == "ff" {
        return None;
    }
    if version == "00" && fields.next().is_some() {
        return None;
    }
    let trace = u128::from_str_radix(trace, 16).ok().filter(|id| *id != 0)?;
    let parent = u64::from_str_radix(parent, 16).ok().filter(|id| *id != 0)?;
    let flags = u8::from_str_radix(flags, 16).ok()?;
    Some((trace, parent, flags & 1 == 1))
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn traceparent() {
        let good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let ids = Some((0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736, 0x00f0_67aa_0ba9_02b7, true));
        for (header, expected) in [
            (good, ids),
            (&format!(" {good} "), ids),
            (&good.replace("-01", "-03"), ids),
            (&good.replace("-01", "-00"), ids.map(|(trace, parent, _)| (trace, parent, false))),
            (&good.replacen("00-", "cc-", 1), ids),
            (&format!("{}-more", good.replacen("00-", "cc-", 1)), ids),
            (&format!("{good}-more"), None),
            (&good.replacen("00-", "ff-", 1), None),
            (&good.to_uppercase(), None),
            ("00-00000000000000000000000000000000-00f067aa0ba902b7-01", None),
            ("00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01", None),
            ("00-4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-01", None),
            ("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7", None),
            ("", None),
            ("----", None),
        ] {
            assert_eq!(parse(header), expected, "{header:?}");
        }
    }
}
