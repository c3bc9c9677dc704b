//! One router, ready to be asked, with the routers below it.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::event::Name;
use crate::traefik::configuration::{Configuration, Router, provider, qualify};
use crate::traefik::names::Names;
use crate::traefik::rule::{Rule, Syntax};
use crate::traefik::server::{Branch, Chosen, Server, servers};

/// Layers of routers; deeper than this is taken for a circle.
const MAX_DEPTH: usize = 16;
/// Routers built for one table. A child is built once for each path that leads to it.
const MAX_ROUTES: usize = 100_000;

#[derive(Debug)]
pub(super) struct Route {
    pub(super) priority: i64,
    /// Names of the routers that lead here, joined as the access log does.
    pub(super) path: Name,
    pub(super) provider: Option<Name>,
    pub(super) rule: Rule,
    pub(super) rule_text: Name,
    pub(super) target: Target,
}

#[derive(Debug)]
pub(super) enum Target {
    Service(Arc<ServiceTarget>),
    Children(Vec<Route>),
}

#[derive(Debug)]
pub(super) struct ServiceTarget {
    pub(super) name: Name,
    pub(super) internal: bool,
    pub(super) servers: Arc<[Server]>,
    /// What all servers but the mirrors agree on.
    pub(super) only: Chosen,
}

impl Route {
    /// Highest priority first; names make the order of equals the same at every run.
    pub(super) fn order(&self, other: &Self) -> Ordering {
        other.priority.cmp(&self.priority).then_with(|| self.path.cmp(&other.path))
    }
}

pub(super) struct Builder<'a> {
    configuration: &'a Configuration,
    /// For routers that name none.
    default_syntax: Option<Syntax>,
    children: BTreeMap<&'a str, Vec<&'a str>>,
    targets: HashMap<String, Arc<ServiceTarget>>,
    built: usize,
    pub(super) names: &'a mut Names,
    pub(super) warnings: Vec<String>,
}

impl<'a> Builder<'a> {
    pub(super) fn new(configuration: &'a Configuration, default_syntax: Option<Syntax>, names: &'a mut Names) -> Self {
        let mut children: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (name, router) in &configuration.routers {
            for parent in &router.parent_refs {
                let siblings = children.entry(parent).or_default();
                // Traefik takes a child once, however often it names its parent.
                if siblings.last() != Some(&name.as_str()) {
                    siblings.push(name);
                }
            }
        }
        Self { configuration, default_syntax, children, targets: HashMap::new(), built: 0, names, warnings: Vec::new() }
    }

    /// None: the router serves nothing.
    pub(super) fn root(&mut self, name: &str, router: &Router) -> Option<Route> {
        // A router that has both a service and children is called disabled, and serves its children all the same:
        // only what fails while it is built keeps a root out of the list (router.go:126 and :236).
        let only_called_so = router.error.iter().all(|error| error.starts_with("router has both a service"));
        if router.status == "disabled" && (router.error.is_empty() || !only_called_so) {
            return None;
        }
        self.route(name, router, name, MAX_DEPTH)
    }

    fn route(&mut self, name: &str, router: &Router, path: &str, depth: usize) -> Option<Route> {
        if depth == 0 || self.built == MAX_ROUTES {
            self.warnings.push(format!("router {name} is left out: too many routers, or too many layers of them"));
            return None;
        }
        self.built += 1;
        let syntax = match (router.rule_syntax.as_str(), self.default_syntax) {
            ("", Some(syntax)) => syntax,
            (syntax, _) => Syntax::parse(syntax),
        };
        let rule = match Rule::parse(&router.rule, syntax) {
            Ok(rule) => rule,
            Err(error) => {
                self.warnings.push(format!("router {name} is left out: {error}"));
                return None;
            }
        };
        Some(Route {
            priority: router.effective_priority(),
            path: self.names.intern(path),
            provider: provider(name).map(|provider| self.names.intern(provider)),
            rule,
            rule_text: self.names.intern(&router.rule),
            target: self.target(name, router, path, depth)?,
        })
    }

    fn target(&mut self, name: &str, router: &Router, path: &str, depth: usize) -> Option<Target> {
        let Some(children) = self.children.get(name).cloned() else {
            return (!router.service.is_empty())
                .then(|| Target::Service(self.service(&qualify(&router.service, name))));
        };
        let configuration = self.configuration;
        let mut routes: Vec<Route> = children
            .into_iter()
            .filter_map(|child| {
                let router = configuration.routers.get(child)?;
                // Any error, also one that is only a warning, keeps a child out (router.go:449).
                if router.status == "disabled" || !router.error.is_empty() {
                    return None;
                }
                self.route(child, router, &format!("{path} -> {child}"), depth - 1)
            })
            .collect();
        routes.sort_by(Route::order);
        (!routes.is_empty()).then_some(Target::Children(routes))
    }

    fn service(&mut self, name: &str) -> Arc<ServiceTarget> {
        if let Some(target) = self.targets.get(name) {
            return Arc::clone(target);
        }
        let servers = servers(name, &self.configuration.services, self.names);
        let serving = servers.iter().filter(|server| server.branch != Branch::Mirror);
        let target = Arc::new(ServiceTarget {
            name: self.names.intern(name),
            internal: name.ends_with("@internal"),
            only: Chosen::agree(serving),
            servers,
        });
        self.targets.insert(name.to_owned(), Arc::clone(&target));
        target
    }
}
