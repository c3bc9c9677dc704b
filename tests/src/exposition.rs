//! What a scrape of `/metrics` says.

use std::collections::BTreeMap;

use hoptap::top::exposition;

/// One line of the exposition.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    pub name: String,
    pub labels: BTreeMap<String, String>,
    pub value: f64,
}

/// Every sample of a text or OpenMetrics exposition, in its order; comments and exemplars are left out.
pub fn parse(text: &str) -> Vec<Sample> {
    let samples = text.lines().filter_map(exposition::Sample::parse);
    samples
        .map(|sample| Sample {
            name: sample.name.to_owned(),
            labels: sample.labels().map(|(key, value)| (key.to_owned(), value.to_owned())).collect(),
            value: sample.value,
        })
        .collect()
}

/// The sum of all samples of one name whose labels hold every pair of `labels`.
pub fn sum(samples: &[Sample], name: &str, labels: &[(&str, &str)]) -> f64 {
    samples
        .iter()
        .filter(|sample| sample.name == name)
        .filter(|sample| labels.iter().all(|(key, value)| sample.labels.get(*key).is_some_and(|found| found == value)))
        .map(|sample| sample.value)
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_of_an_exposition() {
        let text = "# HELP a b\na_total 3\na_bucket{le=\"0.5\",r=\"x\\\"y@file\"} 2 # {trace_id=\"ab\"} 0.1 1.5\n\
                    a_bucket{le=\"+Inf\",r=\"z\"} +Inf\nbroken{\n";
        let samples = parse(text);
        assert_eq!(samples.len(), 3);
        assert_eq!(sum(&samples, "a_total", &[]), 3.0);
        assert_eq!(sum(&samples, "a_bucket", &[("r", "x\"y@file"), ("le", "0.5")]), 2.0);
        assert_eq!(sum(&samples, "a_bucket", &[("r", "nobody")]), 0.0);
    }
}
