//! Evaluation asks the heap for nothing: it happens once per rule and exchange.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]
#![expect(unsafe_code, reason = "an allocator that counts is an unsafe trait")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use hoptap::rules::{Answer, Expression, Field, Fields, Macros, Names, Value, Verdict};

struct Counting;

thread_local! {
    /// Of this thread only: the test runner has others.
    static COUNT: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: every call is handed to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let _ = COUNT.try_with(|count| count.set(count.get() + 1));
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: `pointer` came from `System` with this layout.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

struct Exchange {
    tags: Vec<String>,
}

impl Fields for Exchange {
    fn get<'a>(&'a self, field: &Field) -> Answer<'a> {
        Answer::Value(match field {
            Field::Method => Value::Text("GET"),
            Field::Path => Value::Text("/api/service-a/users"),
            Field::Status => Value::Int(404),
            Field::DurationMs => return Answer::Later,
            Field::SourceIp => Value::Ip("10.1.2.3".parse().unwrap()),
            Field::Tags => Value::List(&self.tags),
            Field::RequestHeader(name) if name.as_ref() == "host" => Value::Text("tenant-a.example.com"),
            _ => return Answer::Missing,
        })
    }
}

#[test]
fn evaluation_allocates_nothing() {
    let list = [
        ("is_api", "http.req.path matches /^\\/api\\// and not http.req.path contains '/health'"),
        ("is_error", "http.res.status >= 400"),
    ];
    let macros = Macros::compile(&list, &Names::Exchange).unwrap();
    let expressions = [
        "is_api() && is_error() && is_api()",
        "http.req.method in ['PUT', http.req.path, \"GET\"]",
        "src.ip in 10.0.0.0/8 and src.ip matches /^10\\./ and starts_with(src.ip, '10.1')",
        "starts_with(http.res.status, 40) and http.res.status == 404.0",
        "tags contains 'b' and tags != 'c' and tags =~ /^a/",
        "http.req.headers.host matches /^tenant-a\\./ and http.req.headers.x-none != ''",
        "http.res.duration_ms > 1000 or http.req.method == 47:45:54",
    ];
    let exchange = Exchange { tags: vec!["a".into(), "b".into()] };
    for text in expressions {
        let expression = Expression::compile(text, &macros, &Names::Exchange).unwrap();
        // A pattern fills its cache the first times it is used.
        let first = expression.evaluate(&exchange);
        expression.evaluate(&exchange);
        let before = COUNT.with(Cell::get);
        for _ in 0..1000 {
            assert_eq!(expression.evaluate(&exchange), first);
        }
        assert_eq!(COUNT.with(Cell::get) - before, 0, "{text}");
        assert_ne!(first, Verdict::False, "{text}");
    }
}
