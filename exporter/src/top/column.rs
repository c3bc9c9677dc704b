//! The columns of the tables: what each shows, how wide it is, by what it sorts.

use super::number;
use super::row::Row;
use super::view::View;

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Column {
    Name,
    Rate,
    Errors,
    Refused,
    P50,
    P95,
    P99,
    Overhead,
    Active,
    In,
    Out,
}

/// All but the name.
const WIDTH: usize = 7;
/// What a name gets, if it needs it, before columns are left out.
const NAME: usize = 20;
/// What is left out first where there is no room.
const LEFT_OUT: [Column; 5] = [Column::In, Column::Refused, Column::P99, Column::Out, Column::P50];

impl Column {
    const ALL: [Self; 11] = [
        Self::Name,
        Self::Rate,
        Self::Errors,
        Self::Refused,
        Self::P50,
        Self::P95,
        Self::P99,
        Self::Overhead,
        Self::Active,
        Self::In,
        Self::Out,
    ];

    /// Those of a view: what Traefik itself takes is known of routers, what is under way of entrypoints.
    pub fn of(view: View) -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(move |column| match column {
            Self::Overhead => view == View::Routers,
            Self::Active => view == View::Entrypoints,
            _ => true,
        })
    }

    /// Those for which there is room in `width` characters, where the longest name takes `longest`.
    pub fn fitting(view: View, longest: usize, width: usize) -> Vec<Self> {
        let mut columns: Vec<Self> = Self::of(view).collect();
        for left_out in LEFT_OUT {
            if Self::room_of_name(&columns, width) >= longest.min(NAME) {
                break;
            }
            columns.retain(|column| *column != left_out);
        }
        columns
    }

    /// What the others leave to the name.
    pub fn room_of_name(columns: &[Self], width: usize) -> usize {
        width.saturating_sub((columns.len() - 1) * (WIDTH + 1))
    }

    pub fn title(self) -> &'static str {
        match self {
            Self::Name => "NAME",
            Self::Rate => "REQ/S",
            Self::Errors => "ERR%",
            Self::Refused => "4XX%",
            Self::P50 => "P50",
            Self::P95 => "P95",
            Self::P99 => "P99",
            Self::Overhead => "TRAEFIK",
            Self::Active => "ACTIVE",
            Self::In => "IN/S",
            Self::Out => "OUT/S",
        }
    }

    /// What stands in it.
    pub fn text(self, row: &Row) -> String {
        match self {
            Self::Name => row.name.clone(),
            Self::Rate => number::rate(row.rate),
            Self::Errors => number::percent(row.failed),
            Self::Refused => number::percent(row.refused),
            Self::P50 => number::seconds(row.p50),
            Self::P95 => number::seconds(row.p95),
            Self::P99 => number::seconds(row.p99),
            Self::Overhead => number::seconds(row.overhead),
            Self::Active => row.active.map_or(number::NONE.to_owned(), number::count),
            Self::In => number::bytes(row.request_bytes),
            Self::Out => number::bytes(row.response_bytes),
        }
    }

    /// Within its width: names to the left, numbers to the right.
    pub fn cell(self, text: &str, room_of_name: usize) -> String {
        if self == Self::Name { fit(text, room_of_name) } else { format!(" {text:>WIDTH$}") }
    }

    /// Largest first, names by the alphabet; what has no number comes last.
    pub fn sort(self, rows: &mut [Row], reversed: bool) {
        let number = |row: &Row| match self {
            Self::Name => None,
            Self::Rate => Some(row.rate),
            Self::Errors => row.failed,
            Self::Refused => row.refused,
            Self::P50 => row.p50.map(|quantile| quantile.seconds),
            Self::P95 => row.p95.map(|quantile| quantile.seconds),
            Self::P99 => row.p99.map(|quantile| quantile.seconds),
            Self::Overhead => row.overhead.map(|quantile| quantile.seconds),
            Self::Active => row.active,
            Self::In => Some(row.request_bytes),
            Self::Out => Some(row.response_bytes),
        };
        rows.sort_by(|one, other| {
            let (first, second) = if reversed { (other, one) } else { (one, other) };
            let by_number = match (number(first), number(second)) {
                (Some(first), Some(second)) => second.total_cmp(&first),
                // None is last, whichever way it goes.
                _ => number(other).is_some().cmp(&number(one).is_some()),
            };
            let by_name = if self == Self::Name { first.name.cmp(&second.name) } else { one.name.cmp(&other.name) };
            by_number.then(by_name)
        });
    }
}

/// Text in exactly so many characters; what is too long loses its middle, for both ends of a name tell.
fn fit(text: &str, width: usize) -> String {
    let length = text.chars().count();
    if length <= width {
        return format!("{text:width$}");
    }
    let kept = width.saturating_sub(1);
    let (front, back) = (kept.div_ceil(2), kept / 2);
    let ends = text.chars().take(front).chain(['…']).chain(text.chars().skip(length - back));
    ends.take(width).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_too_long_lose_their_middle() {
        for (text, width, expected) in [
            ("web", 5, "web  "),
            ("web", 3, "web"),
            ("service-a@docker", 9, "serv…cker"),
            ("service-a@docker", 8, "serv…ker"),
            ("äöüß", 3, "ä…ß"),
            ("web", 1, "…"),
            ("web", 0, ""),
        ] {
            assert_eq!(fit(text, width), expected, "{text} {width}");
        }
    }

    #[test]
    fn columns_give_way_to_names() {
        let titles = |view, longest, width| {
            let columns = Column::fitting(view, longest, width);
            let titles: Vec<_> = columns.iter().map(|column| column.title()).collect();
            (titles.join(" "), Column::room_of_name(&columns, width))
        };
        let all = "NAME REQ/S ERR% 4XX% P50 P95 P99 TRAEFIK IN/S OUT/S";
        assert_eq!(titles(View::Routers, 30, 200), (all.to_owned(), 128));
        assert_eq!(titles(View::Routers, 8, 80), (all.to_owned(), 8));
        let fewer = "NAME REQ/S ERR% P50 P95 P99 TRAEFIK OUT/S";
        assert_eq!(titles(View::Routers, 30, 80), (fewer.to_owned(), 24));
        assert_eq!(titles(View::Services, 30, 10), ("NAME REQ/S ERR% P95".to_owned(), 0));
    }
}
