//! The one list of what is served: the router, the rights and the OpenAPI page are made of it.

use axum::http::Method;
use tidegate_core::records::Role;

/// Something that can be called.
#[derive(Debug)]
pub(crate) struct Route {
    pub(crate) method: Method,
    /// As axum and OpenAPI write it. It is served with and without `/api` in front.
    pub(crate) path: &'static str,
    pub(crate) needs: Needs,
    pub(crate) operation: Operation,
}

/// What a caller must have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Needs {
    /// Nothing: there is nothing in it that is not in the documentation.
    Nothing,
    /// This role, or one that allows more.
    Role(Role),
}

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Operation {
    ListZones,
    GetZone,
    PutZone,
    DeleteZone,
    GenerateCredentials,
    ListCredentials,
    CreateCredential,
    DeleteCredential,
    KafkaConfiguration,
    ListTokens,
    CreateToken,
    DeleteToken,
    WhoAmI,
    Docs,
}

impl Operation {
    /// What it is called in the history and the OpenAPI page.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::ListZones => "list zones",
            Self::GetZone => "get zone",
            Self::PutZone => "put zone",
            Self::DeleteZone => "delete zone",
            Self::GenerateCredentials => "generate credentials",
            Self::ListCredentials => "list credentials",
            Self::CreateCredential => "create credential",
            Self::DeleteCredential => "delete credential",
            Self::KafkaConfiguration => "kafka configuration",
            Self::ListTokens => "list tokens",
            Self::CreateToken => "create token",
            Self::DeleteToken => "delete token",
            Self::WhoAmI => "who am I",
            Self::Docs => "docs",
        }
    }
}

pub(crate) static ROUTES: [Route; 14] = [
    route(Method::GET, "/public/console/v2/partner-zone", VIEWER, Operation::ListZones),
    route(Method::PUT, "/public/console/v2/partner-zone", OPERATOR, Operation::PutZone),
    route(Method::GET, "/public/console/v2/partner-zone/{name}", VIEWER, Operation::GetZone),
    route(Method::DELETE, "/public/console/v2/partner-zone/{name}", OPERATOR, Operation::DeleteZone),
    route(
        Method::GET,
        "/public/console/v2/partner-zone/{name}/kafka-configuration",
        VIEWER,
        Operation::KafkaConfiguration,
    ),
    route(
        Method::POST,
        "/public/partner-zone/v2/{name}/generate-credentials",
        OPERATOR,
        Operation::GenerateCredentials,
    ),
    route(Method::GET, "/public/partner-zone/v2/{name}/credentials", VIEWER, Operation::ListCredentials),
    route(Method::POST, "/public/partner-zone/v2/{name}/credentials", OPERATOR, Operation::CreateCredential),
    route(
        Method::DELETE,
        "/public/partner-zone/v2/{name}/credentials/{id}",
        OPERATOR,
        Operation::DeleteCredential,
    ),
    route(Method::GET, "/token/v1/admin_tokens", VIEWER, Operation::ListTokens),
    route(Method::POST, "/token/v1/admin_tokens", ADMIN, Operation::CreateToken),
    route(Method::DELETE, "/token/v1/{id}", ADMIN, Operation::DeleteToken),
    route(Method::GET, "/token/v1/whoami", VIEWER, Operation::WhoAmI),
    route(Method::GET, "/public/docs/docs.yaml", Needs::Nothing, Operation::Docs),
];

const VIEWER: Needs = Needs::Role(Role::Viewer);
const OPERATOR: Needs = Needs::Role(Role::Operator);
const ADMIN: Needs = Needs::Role(Role::Admin);

const fn route(method: Method, path: &'static str, needs: Needs, operation: Operation) -> Route {
    Route { method, path, needs, operation }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Written a second time on purpose: whoever gives a verb to somebody else has to say so twice.
    #[test]
    fn who_may_do_what() {
        let rights: Vec<String> =
            ROUTES.iter().map(|route| format!("{:?} {} {}", route.needs, route.method, route.path)).collect();
        assert_eq!(
            rights,
            [
                "Role(Viewer) GET /public/console/v2/partner-zone",
                "Role(Operator) PUT /public/console/v2/partner-zone",
                "Role(Viewer) GET /public/console/v2/partner-zone/{name}",
                "Role(Operator) DELETE /public/console/v2/partner-zone/{name}",
                "Role(Viewer) GET /public/console/v2/partner-zone/{name}/kafka-configuration",
                "Role(Operator) POST /public/partner-zone/v2/{name}/generate-credentials",
                "Role(Viewer) GET /public/partner-zone/v2/{name}/credentials",
                "Role(Operator) POST /public/partner-zone/v2/{name}/credentials",
                "Role(Operator) DELETE /public/partner-zone/v2/{name}/credentials/{id}",
                "Role(Viewer) GET /token/v1/admin_tokens",
                "Role(Admin) POST /token/v1/admin_tokens",
                "Role(Admin) DELETE /token/v1/{id}",
                "Role(Viewer) GET /token/v1/whoami",
                "Nothing GET /public/docs/docs.yaml",
            ]
        );
    }

    #[test]
    fn every_route_has_its_row_with_its_role() {
        let page =
            std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/admin.md")).unwrap();
        for Route { method, path, needs, .. } in &ROUTES {
            let role = match needs {
                Needs::Nothing => "nobody's".to_owned(),
                Needs::Role(role) => format!("{role:?}").to_lowercase(),
            };
            let row = format!("\n| `{method} {path}` | {role} | ");
            assert!(page.contains(&row), "docs/admin.md has no row that begins with{row}");
        }
    }

    #[test]
    fn nobody_without_the_role_of_an_operator_changes_anything() {
        for route in ROUTES.iter().filter(|route| route.method != Method::GET) {
            assert!(matches!(route.needs, Needs::Role(Role::Operator | Role::Admin)), "{route:?}");
        }
    }
}
