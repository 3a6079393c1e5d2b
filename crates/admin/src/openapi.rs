//! The OpenAPI page of what is served, made of the one list of routes.

use std::sync::OnceLock;

use axum::http::Method;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use utoipa::openapi::path::{OperationBuilder, ParameterBuilder, ParameterIn, PathItem, PathsBuilder};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{
    Array, ComponentsBuilder, Content, HttpMethod, InfoBuilder, Object, ObjectBuilder, OpenApi,
    OpenApiBuilder, Ref, RefOr, Required, Response, ResponseBuilder, Schema, Server, Type,
};
use utoipa::{PartialSchema, ToSchema};

use crate::refusal::ErrorBody;
use crate::routes::{Needs, Operation, ROUTES, Route};
use crate::tokens::{CreatedToken, Token, WantedToken, WhoAmI};
use crate::zones::{CreatedCredential, ListedCredential, PartnerZone, PutZone, WantedCredential};

/// The page as YAML.
pub(crate) fn yaml() -> impl IntoResponse {
    static YAML: OnceLock<String> = OnceLock::new();
    let yaml = YAML.get_or_init(|| serde_saphyr::to_string(&page()).unwrap_or_default());
    ([(CONTENT_TYPE, "application/yaml")], yaml.as_str())
}

fn page() -> OpenApi {
    let paths = ROUTES.iter().fold(PathsBuilder::new(), |paths, route| {
        paths.path(route.path, PathItem::new(method(&route.method), operation(route)))
    });
    let mut schemas = Vec::new();
    gather::<PutZone>(&mut schemas);
    gather::<ListedCredential>(&mut schemas);
    gather::<CreatedCredential>(&mut schemas);
    gather::<WantedCredential>(&mut schemas);
    gather::<Token>(&mut schemas);
    gather::<CreatedToken>(&mut schemas);
    gather::<WantedToken>(&mut schemas);
    gather::<WhoAmI>(&mut schemas);
    gather::<ErrorBody>(&mut schemas);
    let components = ComponentsBuilder::new()
        .schemas_from_iter(schemas)
        .security_scheme("bearer", SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)))
        .security_scheme("basic", SecurityScheme::Http(Http::new(HttpAuthScheme::Basic)))
        .build();
    let info = InfoBuilder::new().title("Tidegate").version(env!("CARGO_PKG_VERSION"));
    let info = info.description(Some("Partner zones, their credentials, and tokens of operators."));
    OpenApiBuilder::new()
        .info(info)
        .servers(Some([Server::new("/"), Server::new("/api")]))
        .paths(paths)
        .components(Some(components))
        .build()
}

/// A shape and all shapes in it.
fn gather<T: ToSchema>(schemas: &mut Vec<(String, RefOr<Schema>)>) {
    schemas.push((T::name().into_owned(), T::schema()));
    T::schemas(schemas);
}

fn operation(route: &Route) -> OperationBuilder {
    let mut operation = OperationBuilder::new()
        .operation_id(Some(route.operation.name().replace(' ', "_")))
        .summary(Some(route.operation.name()))
        .request_body(request(route.operation))
        .response("200", success(route.operation));
    for name in parameters(route.path) {
        let schema = Some(named(route.operation, name));
        let parameter = ParameterBuilder::new().name(name).parameter_in(ParameterIn::Path);
        operation = operation.parameter(parameter.required(Required::True).schema(schema));
    }
    if route.operation == Operation::PutZone {
        let dry = ParameterBuilder::new().name("dryMode").parameter_in(ParameterIn::Query);
        let dry = dry.description(Some("Only tells what would come of it."));
        operation = operation.parameter(dry.schema(Some(Object::with_type(Type::Boolean))));
    }
    if let Needs::Role(role) = route.needs {
        let description = format!("Takes the role {}.", crate::refusal::Shown(role));
        operation = operation.description(Some(description));
        for scheme in ["bearer", "basic"] {
            operation = operation.security(SecurityRequirement::new(scheme, [] as [&str; 0]));
        }
    }
    for (status, when) in failures(route) {
        operation = operation.response(status, failure(when));
    }
    operation
}

/// What an operation may answer besides success.
fn failures(route: &Route) -> Vec<(&'static str, &'static str)> {
    const OF_ALL: [(&str, &str); 2] = [
        ("429", "too many requests, or too many tokens that do not open, came from this address"),
        ("500", "the fault is not the caller's"),
    ];
    const OF_CALLERS: [(&str, &str); 4] = [
        ("400", "something in it is wrong; every mistake is told"),
        ("401", "there is no token, or none that opens"),
        ("403", "the token has too small a role"),
        ("404", "there is none of that name"),
    ];
    const OF_CHANGES: [(&str, &str); 3] = [
        ("408", "the body did not come in time"),
        ("409", "a rule stands against it, or somebody else was faster"),
        ("413", "the body is too large"),
    ];
    let of_callers = OF_CALLERS.iter().filter(|_| route.needs != Needs::Nothing);
    let of_changes = OF_CHANGES.iter().filter(|_| route.method != Method::GET);
    OF_ALL.iter().chain(of_callers).chain(of_changes).copied().collect()
}

fn failure(when: &str) -> Response {
    ResponseBuilder::new().description(when).content("application/json", content::<ErrorBody>()).build()
}

fn success(operation: Operation) -> Response {
    let json = |content: Content| {
        ResponseBuilder::new().description("done").content("application/json", content).build()
    };
    match operation {
        Operation::ListZones => json(list::<PartnerZone>()),
        Operation::GetZone => json(content::<PartnerZone>()),
        Operation::PutZone => json(content::<PutZone>()),
        Operation::ListTokens => json(list::<Token>()),
        Operation::CreateToken => json(content::<CreatedToken>()),
        Operation::WhoAmI => json(content::<WhoAmI>()),
        Operation::GenerateCredentials | Operation::KafkaConfiguration => json(Content::new(Some(text()))),
        Operation::ListCredentials => json(list::<ListedCredential>()),
        Operation::CreateCredential => json(content::<CreatedCredential>()),
        Operation::DeleteZone | Operation::DeleteCredential | Operation::DeleteToken => Response::new("done"),
        Operation::Docs => ResponseBuilder::new()
            .description("this page")
            .content("application/yaml", Content::default())
            .build(),
    }
}

fn request(operation: Operation) -> Option<utoipa::openapi::request_body::RequestBody> {
    let body = RequestBodyBuilder::new();
    match operation {
        Operation::PutZone => {
            let body = body.content("application/json", content::<PartnerZone>());
            let body = body.content("text/plain", content::<PartnerZone>());
            Some(body.required(Some(Required::True)).build())
        }
        Operation::CreateToken => {
            let body = body.content("application/json", content::<WantedToken>());
            Some(body.required(Some(Required::True)).build())
        }
        Operation::CreateCredential => {
            Some(body.content("application/json", content::<WantedCredential>()).build())
        }
        Operation::GenerateCredentials => {
            let null = ObjectBuilder::new().schema_type(Type::Null).build();
            Some(body.content("application/json", Content::new(Some(null))).build())
        }
        _ => None,
    }
}

fn content<T: ToSchema>() -> Content {
    Content::new(Some(reference::<T>()))
}

fn list<T: ToSchema>() -> Content {
    Content::new(Some(Array::new(reference::<T>())))
}

fn reference<T: ToSchema>() -> RefOr<Schema> {
    Ref::from_schema_name(T::name()).into()
}

fn text() -> RefOr<Schema> {
    String::schema()
}

/// The names that may stand in a path.
fn named(operation: Operation, parameter: &str) -> Schema {
    let pattern = match (operation, parameter) {
        (Operation::DeleteCredential, "id") => "^[A-Za-z0-9_.-]{1,63}$",
        (_, "id") => "^[A-Za-z0-9-]{1,63}$",
        _ => "^[a-z0-9_.-]{1,63}$",
    };
    ObjectBuilder::new().schema_type(Type::String).pattern(Some(pattern)).into()
}

/// What stands in a path for names.
fn parameters(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter_map(|step| step.strip_prefix('{')?.strip_suffix('}'))
}

/// Every method of the list.
fn method(method: &Method) -> HttpMethod {
    match *method {
        Method::PUT => HttpMethod::Put,
        Method::POST => HttpMethod::Post,
        Method::DELETE => HttpMethod::Delete,
        _ => HttpMethod::Get,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_is_on_the_page_with_what_it_may_answer() {
        let page = serde_json::to_value(page()).unwrap();
        for route in &ROUTES {
            let operation = &page["paths"][route.path][route.method.as_str().to_lowercase()];
            assert!(operation["responses"]["200"].is_object(), "{route:?}");
            for (status, _) in failures(route) {
                assert!(operation["responses"][status].is_object(), "{route:?} {status}");
            }
        }
        let listed: usize =
            page["paths"].as_object().unwrap().values().map(|item| item.as_object().unwrap().len()).sum();
        assert_eq!(listed, ROUTES.len());
    }

    #[test]
    fn every_schema_that_is_named_is_there() {
        let text = serde_json::to_string(&page()).unwrap();
        let page: serde_json::Value = serde_json::from_str(&text).unwrap();
        for reference in text.split("#/components/schemas/").skip(1) {
            let name = reference.split('"').next().unwrap();
            assert!(page["components"]["schemas"][name].is_object(), "{name}");
        }
    }
}
