//! `hoptap eval EXPR --input FILE`: one expression on one JSON object of fields.

use std::fmt::Write as _;
use std::io::{Read, Write as _};
use std::path::Path;

use anyhow::Context;
use serde_json::{Map, Value as Json};

use super::Error;
use crate::command::Eval;
use crate::rules::{Answer, Expression, Fault, Field, Fields, Items, Macros, Names, Value, Verdict};

/// More is no set of fields that anyone writes.
const MAX_INPUT: u64 = 64 << 20;

pub(super) fn run(eval: &Eval) -> Result<(), Error> {
    // Any name may be a field here: whoever tries an expression may not have an exchange to hand.
    let macros = Macros::compile(&eval.macros, &Names::Any).map_err(|faults| {
        let told = faults.iter().map(|fault| {
            let (name, text) = eval.macros.get(fault.index).map_or(("", ""), |(name, text)| (name, text));
            tell(&format!("macro {name}"), &fault.fault, if fault.in_name { name } else { text })
        });
        Error::Usage(told.collect::<Vec<_>>().join("\n"))
    })?;
    let expression = Expression::compile(&eval.expression, &macros, &Names::Any).map_err(|faults| {
        let told = faults.iter().map(|fault| tell("expression", fault, &eval.expression));
        Error::Usage(told.collect::<Vec<_>>().join("\n"))
    })?;
    let object = Object(read(&eval.input)?);
    let said = match expression.evaluate(&object) {
        Verdict::True => "true".to_owned(),
        Verdict::False => "false".to_owned(),
        Verdict::Unknown { .. } => {
            let missing: Vec<String> = expression.missing(&object).iter().map(Field::name).collect();
            format!("unknown: {}", missing.join(", "))
        }
    };
    writeln!(std::io::stdout(), "{said}").context("cannot write to standard output")?;
    Ok(())
}

/// A fault with its place drawn below the text.
fn tell(what: &str, fault: &Fault, text: &str) -> String {
    let mut said = format!("{what}: {}", fault.message);
    for line in fault.excerpt(text).lines() {
        let _ = write!(said, "\n  {line}");
    }
    if let Some(help) = &fault.help {
        let _ = write!(said, "\n  help: {help}");
    }
    said
}

fn read(path: &Path) -> Result<Map<String, Json>, Error> {
    let name = if path == Path::new("-") { "standard input".to_owned() } else { path.display().to_string() };
    let mut bytes = Vec::new();
    let done = if path == Path::new("-") {
        std::io::stdin().take(MAX_INPUT).read_to_end(&mut bytes)
    } else {
        std::fs::File::open(path).and_then(|file| file.take(MAX_INPUT).read_to_end(&mut bytes))
    };
    done.map_err(|error| Error::Usage(format!("cannot read the input {name}: {error}")))?;
    let json = serde_json::from_slice(&bytes)
        .map_err(|error| Error::Usage(format!("{name}: expected a JSON object of fields: {error}")))?;
    match json {
        Json::Object(object) => Ok(object),
        _ => {
            Err(Error::Usage(format!("{name}: expected a JSON object of fields, such as {{\"http.req.path\": \"/\"}}")))
        }
    }
}

/// Fields by their names: dots lead into nested objects, or stand in the name itself.
struct Object(Map<String, Json>);

impl Fields for Object {
    fn get<'a>(&'a self, field: &Field) -> Answer<'a> {
        let name = field.name();
        match find(&self.0, &name).or_else(|| header(&self.0, &name)) {
            None | Some(Json::Null) => Answer::Missing,
            Some(value) => Answer::Value(typed(value)),
        }
    }
}

/// The whole name is tried before its parts, as the original does.
fn find<'a>(object: &'a Map<String, Json>, name: &str) -> Option<&'a Json> {
    object.get(name).or_else(|| {
        name.match_indices('.').find_map(|(at, _)| {
            let inner = object.get(name.get(..at)?)?.as_object()?;
            find(inner, name.get(at + 1..)?)
        })
    })
}

/// A header whose name is written in other case.
fn header<'a>(object: &'a Map<String, Json>, name: &str) -> Option<&'a Json> {
    let at = name.find(".headers.")? + ".headers".len();
    let (map, header) = (name.get(..at)?, name.get(at + 1..)?);
    if let Some(Json::Object(headers)) = find(object, map) {
        let found = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case(header));
        return found.map(|(_, value)| value);
    }
    object.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

fn typed(json: &Json) -> Value<'_> {
    match json {
        Json::Bool(value) => Value::Bool(*value),
        Json::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(value), _) => Value::Int(value.into()),
            (None, Some(value)) => Value::Int(value.into()),
            (None, None) => Value::Float(number.as_f64().unwrap_or(f64::NAN)),
        },
        Json::String(text) => Value::Text(text),
        Json::Array(items) => Value::List(items),
        Json::Object(_) | Json::Null => Value::Object,
    }
}

impl Items for Vec<Json> {
    fn len(&self) -> usize {
        Self::len(self)
    }

    fn item(&self, index: usize) -> Value<'_> {
        self.get(index).map_or(Value::Object, typed)
    }
}
