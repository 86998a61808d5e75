//! Operations: each is served and documented from one description.

use std::{
    any::type_name,
    collections::{BTreeMap, BTreeSet},
    future::{Ready, ready},
    rc::Rc,
};

use actix_web::{
    FromRequest, Handler, HttpResponse, Responder, Route, Scope,
    guard::{self, Guard},
    http::{
        Method,
        header::{ALLOW, HeaderValue},
    },
    web::{self, ServiceConfig},
};
use tenantry_identity::ApiScope;
use utoipa::{
    __dev::{SchemaReferences, Tags},
    openapi::{
        HttpMethod, RefOr, Schema,
        path::{Operation, ParameterIn},
    },
};

use crate::{
    problem::{ErrorCode, Problem},
    scope::RequestScope,
};

/// What the security of an operation that API keys may call is called.
pub(crate) const API_KEY: &str = "api_key";

/// Where the operations of the API are served. The same paths under `/api` lead here too.
pub const API_PREFIX: &str = "/api/v1";

/// Registers the operation of a module: its `handler`, documented by `#[utoipa::path]`, under the prefix of the API.
///
/// `operation!(operations, create)` stands for the module `create`; its `operation_id` becomes
/// `<parent module>_create` unless the attribute names another. See [`Operations::api`].
#[macro_export]
macro_rules! operation {
    ($operations:expr, $($module:ident)::+) => {
        $operations.api::<$($module)::+::__path_handler, _, _>($($module)::+::handler)
    };
}

/// Operations, each with its route and its description.
#[derive(Default)]
pub struct Operations {
    served: Vec<Served>,
    pages: Vec<Page>,
    schemas: BTreeMap<String, RefOr<Schema>>,
}

/// An operation at one path.
pub(crate) struct Served {
    pub(crate) path: String,
    pub(crate) methods: Vec<HttpMethod>,
    pub(crate) description: Operation,
    route: Rc<dyn Fn() -> Route>,
}

/// A page or file for browsers, which the document leaves out.
struct Page {
    path: String,
    route: Rc<dyn Fn() -> Route>,
}

impl Operations {
    /// Adds an operation under [`API_PREFIX`].
    ///
    /// `P` is the `__path_…` type that `#[utoipa::path]` makes for `handler`; its methods and path are served as well
    /// as documented. [`operation!`](crate::operation) fills it in.
    pub fn api<P, H, A>(&mut self, handler: H) -> Registered<'_>
    where
        P: utoipa::Path + SchemaReferences + Tags<'static>,
        H: Handler<A>,
        H::Output: Responder + 'static,
        A: FromRequest + 'static,
    {
        self.add::<P, H, A>(API_PREFIX, handler)
    }

    /// Adds an operation that belongs to the server rather than to a version of the API.
    pub(crate) fn root<P, H, A>(&mut self, handler: H) -> Registered<'_>
    where
        P: utoipa::Path + SchemaReferences + Tags<'static>,
        H: Handler<A>,
        H::Output: Responder + 'static,
        A: FromRequest + 'static,
    {
        self.add::<P, H, A>("", handler)
    }

    /// Adds a page or file for browsers, which is read by GET and which the document leaves out.
    pub(crate) fn page<H, A>(&mut self, path: &str, handler: H)
    where
        H: Handler<A>,
        H::Output: Responder + 'static,
        A: FromRequest + 'static,
    {
        let route = Rc::new(move || web::route().guard(answers(&[Method::GET, Method::HEAD])).to(handler.clone()));
        self.pages.push(Page { path: path.to_owned(), route });
    }

    fn add<P, H, A>(&mut self, prefix: &'static str, handler: H) -> Registered<'_>
    where
        P: utoipa::Path + SchemaReferences + Tags<'static>,
        H: Handler<A>,
        H::Output: Responder + 'static,
        A: FromRequest + 'static,
    {
        let methods = P::methods();
        let served: Vec<Method> = methods.iter().flat_map(served_methods).collect();
        let mut schemas = Vec::new();
        P::schemas(&mut schemas);
        self.schemas.extend(schemas);
        self.served.push(Served {
            path: format!("{prefix}{}", P::path()),
            methods,
            description: describe::<P>(),
            route: Rc::new(move || web::route().guard(answers(&served)).to(handler.clone())),
        });
        Registered { operations: self, prefix }
    }

    pub(crate) fn served(&self) -> &[Served] {
        &self.served
    }

    pub(crate) fn schemas(&self) -> &BTreeMap<String, RefOr<Schema>> {
        &self.schemas
    }

    /// Adds every route to an application: one resource a path, which answers 405 to other methods. The paths of one
    /// collection are in a scope of their own, so that a request is compared with the patterns of its collection only.
    pub(crate) fn configure(&self, config: &mut ServiceConfig) {
        let mut scopes: BTreeMap<&str, Scope> = BTreeMap::new();
        for (path, routes) in self.by_path() {
            let (collection, rest) = path.split_at(collection(path).len());
            let pattern: Rc<str> = Rc::from(path);
            let (queried, let_in) = (routes.queried.clone(), routes.let_in.clone());
            let noting = guard::fn_guard(move |context| {
                if let Some(scope) = context.req_data().get::<RequestScope>() {
                    scope.set_route(&pattern);
                    let method = &context.head().method;
                    scope.set_takes_query(queried.contains(method));
                    let wanted = let_in.iter().find(|(let_in, _)| let_in == method);
                    scope.set_api_scope(wanted.map(|(_, wanted)| *wanted));
                }
                true
            });
            let resource =
                routes.routes.iter().fold(web::resource(rest).guard(noting), |resource, route| resource.route(route()));
            let allow = routes.allow();
            let resource = resource.default_service(web::to(move || refuse_method(&allow)));
            if collection.is_empty() {
                config.service(resource);
            } else {
                let scope = scopes.remove(collection).unwrap_or_else(|| web::scope(collection));
                scopes.insert(collection, scope.service(resource));
            }
        }
        for scope in scopes.into_values() {
            config.service(scope);
        }
    }

    /// The routes of each path, paths with fixed segments before those with parameters: the first match is taken.
    fn by_path(&self) -> impl Iterator<Item = (&str, PathRoutes<'_>)> {
        let mut paths: BTreeMap<Vec<(bool, &str)>, (&str, PathRoutes<'_>)> = BTreeMap::new();
        let get = [Method::GET, Method::HEAD];
        let operations = self.served.iter().map(|served| {
            let methods: Vec<Method> = served.methods.iter().flat_map(served_methods).collect();
            let description = &served.description;
            (served.path.as_str(), methods, takes_query(description), api_scope(description), &served.route)
        });
        let pages = self.pages.iter().map(|page| (page.path.as_str(), get.to_vec(), true, None, &page.route));
        for (path, methods, takes_query, api_scope, route) in operations.chain(pages) {
            let key = path.split('/').map(|segment| (segment.starts_with('{'), segment)).collect();
            let (_, routes) = paths.entry(key).or_insert((path, PathRoutes::default()));
            if takes_query {
                routes.queried.extend(methods.iter().cloned());
            }
            if let Some(wanted) = api_scope {
                routes.let_in.extend(methods.iter().map(|method| (method.clone(), wanted)));
            }
            routes.methods.extend(methods.into_iter().map(|method| method.to_string()));
            routes.routes.push(route.as_ref());
        }
        paths.into_values()
    }
}

/// What is served at one path.
#[derive(Default)]
struct PathRoutes<'a> {
    methods: BTreeSet<String>,
    /// The methods with query parameters.
    queried: Vec<Method>,
    /// The methods that API keys may use, with the scope that they need.
    let_in: Vec<(Method, ApiScope)>,
    routes: Vec<&'a dyn Fn() -> Route>,
}

impl PathRoutes<'_> {
    fn allow(&self) -> HeaderValue {
        let methods: Vec<&str> = self.methods.iter().map(String::as_str).collect();
        HeaderValue::from_str(&methods.join(", ")).unwrap_or(HeaderValue::from_static(""))
    }
}

/// What the paths of one collection of the API begin with: `/api/v1/tasks`. Empty for what is not of the API.
fn collection(path: &str) -> &str {
    let within = path.strip_prefix(API_PREFIX).and_then(|path| path.strip_prefix('/'));
    let Some(within) = within else { return "" };
    let rest = within.find('/').map_or("", |end| within.get(end..).unwrap_or_default());
    path.strip_suffix(rest).unwrap_or(path)
}

/// 405, naming the methods that are answered.
fn refuse_method(allow: &HeaderValue) -> Ready<Result<HttpResponse, Problem>> {
    ready(Err(Problem::new(ErrorCode::MethodNotAllowed).with_header(ALLOW, allow.clone())))
}

/// Whether the operation has any query parameters.
fn takes_query(description: &Operation) -> bool {
    let mut parameters = description.parameters.iter().flatten();
    parameters.any(|parameter| matches!(parameter, RefOr::T(parameter) if parameter.parameter_in == ParameterIn::Query))
}

/// What the operation asks of an API key, as its description says: `security(("bearer" = []), ("api_key" =
/// ["tasks:read"]))`. None where no key may call it, which is also what an operation gets that says nothing.
fn api_scope(description: &Operation) -> Option<ApiScope> {
    let alternatives = serde_json::to_value(description.security.as_ref()?).ok()?;
    let mut alternatives = alternatives.as_array()?.iter();
    alternatives.find_map(|alternative| alternative.get(API_KEY)?.get(0)?.as_str()?.parse().ok())
}

/// The methods that a documented one is served at: GET brings HEAD along.
fn served_methods(method: &HttpMethod) -> Vec<Method> {
    match method {
        HttpMethod::Get => vec![Method::GET, Method::HEAD],
        HttpMethod::Post => vec![Method::POST],
        HttpMethod::Put => vec![Method::PUT],
        HttpMethod::Delete => vec![Method::DELETE],
        HttpMethod::Options => vec![Method::OPTIONS],
        HttpMethod::Head => vec![Method::HEAD],
        HttpMethod::Patch => vec![Method::PATCH],
        HttpMethod::Trace => vec![Method::TRACE],
    }
}

fn answers(methods: &[Method]) -> impl Guard + use<> {
    let methods = methods.to_vec();
    guard::fn_guard(move |context| methods.contains(&context.head().method))
}

/// The description of an operation, with its tags and an id of its own.
fn describe<P: utoipa::Path + Tags<'static>>() -> Operation {
    let mut description = P::operation();
    description.tags.get_or_insert_default().extend(P::tags().into_iter().map(str::to_owned));
    if description.operation_id.as_deref() == Some("handler") {
        description.operation_id = Some(operation_id(type_name::<P>()));
    }
    description
}

/// `tasks_create` for `…::tasks::create::__path_handler`.
fn operation_id(type_name: &str) -> String {
    let mut modules: Vec<&str> = type_name.rsplit("::").skip(1).take(2).collect();
    modules.reverse();
    modules.join("_")
}

/// An operation that was just added.
pub struct Registered<'a> {
    operations: &'a mut Operations,
    prefix: &'static str,
}

impl Registered<'_> {
    /// Serves it at another path as well.
    pub fn alias(&mut self, path: &str) -> &mut Self {
        let path = format!("{}{path}", self.prefix);
        self.alias_at(path)
    }

    /// Serves what belongs to the server at a path under the prefix of the API as well.
    pub(crate) fn alias_under_api(&mut self, path: &str) -> &mut Self {
        self.alias_at(format!("{API_PREFIX}{path}"))
    }

    fn alias_at(&mut self, path: String) -> &mut Self {
        if let Some(last) = self.operations.served.last() {
            let mut description = last.description.clone();
            let id = description.operation_id.unwrap_or_default();
            description.operation_id = Some(format!("{id}_at{}", identifier(&path)));
            let alias = Served { path, description, methods: last.methods.clone(), route: Rc::clone(&last.route) };
            self.operations.served.push(alias);
        }
        self
    }
}

/// A path as part of an operation id: `_auth_signin`.
fn identifier(path: &str) -> String {
    let path = path.strip_prefix(API_PREFIX).unwrap_or(path);
    path.chars().filter(|c| !matches!(c, '{' | '}')).map(|c| if c.is_alphanumeric() { c } else { '_' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_path_answers_one_method_twice() {
        let mut seen = BTreeSet::new();
        for served in crate::routes::all().served() {
            for method in served.methods.iter().flat_map(served_methods) {
                assert!(seen.insert(format!("{method} {}", served.path)), "{method} {}", served.path);
            }
        }
    }

    #[test]
    fn c13_every_operation_says_what_it_asks_of_an_api_key() {
        for served in crate::routes::all().served() {
            let security = serde_json::to_value(&served.description.security).unwrap();
            let names = |alternative: &serde_json::Value| alternative.as_object().unwrap().keys().cloned().collect();
            let says: Vec<Vec<String>> = security.as_array().into_iter().flatten().map(names).collect();
            let is_public = says == [Vec::<String>::new()];
            let is_for_people = says == [["bearer"]] || says == [vec![], vec!["bearer".to_owned()]];
            let is_for_keys = says == [["bearer"], [API_KEY]];
            let path = &served.path;
            assert!(is_public || is_for_people || is_for_keys, "{path}: say security(…), see `api_scope`: {says:?}");
            assert_eq!(api_scope(&served.description).is_some(), is_for_keys, "{path}: {security}");
        }
    }

    #[test]
    fn a_collection_is_the_first_segment_of_the_api() {
        for (path, wanted) in [
            ("/api/v1/tasks", "/api/v1/tasks"),
            ("/api/v1/tasks/{id}/complete", "/api/v1/tasks"),
            ("/api/v1/openapi.json", "/api/v1/openapi.json"),
            ("/api/v1", ""),
            ("/health/db", ""),
            ("/", ""),
        ] {
            assert_eq!(collection(path), wanted, "{path}");
        }
    }

    #[test]
    fn fixed_segments_are_tried_before_parameters() {
        let mut operations = Operations::default();
        for path in ["/t/{id}", "/t/events", "/t/{id}/x", "/t"] {
            operations.page(path, || async { "" });
        }
        let paths: Vec<&str> = operations.by_path().map(|(path, _)| path).collect();
        assert_eq!(paths, ["/t", "/t/events", "/t/{id}", "/t/{id}/x"]);
    }

    #[test]
    fn ids_come_from_the_modules() {
        assert_eq!(operation_id("tenantry_http::tasks::create::__path_handler"), "tasks_create");
        assert_eq!(identifier("/api/v1/auth/signin"), "_auth_signin");
    }
}
