//! One ACL, in the numbers of Kafka's protocol.

/// Before the name of a user in a principal.
pub(super) const USER: &str = "User:";

/// Any host.
pub(super) const ANY_HOST: &str = "*";

/// What a principal may do with a resource, or may not.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Acl {
    pub(super) principal: String,
    pub(super) kind: Kind,
    pub(super) pattern: Pattern,
    pub(super) name: String,
    pub(super) operation: Operation,
    pub(super) permission: Effect,
    pub(super) host: String,
}

/// Declares an enum of the protocol: numbers that have no name here are kept as they are.
macro_rules! numbers {
    ($(#[doc = $doc:literal])+ $name:ident { $($constant:ident = $number:literal),+ $(,)? }) => {
        $(#[doc = $doc])+
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub(super) struct $name(pub(super) i8);

        impl $name {
            $(pub(super) const $constant: Self = Self($number);)+
        }
    };
}

numbers! {
    /// The kind of a resource.
    Kind { ANY = 1, TOPIC = 2, GROUP = 3, TRANSACTIONAL_ID = 5 }
}
numbers! {
    /// How a resource's name is meant.
    Pattern { ANY = 1, LITERAL = 3, PREFIXED = 4 }
}
numbers! {
    /// What is done.
    Operation { ANY = 1, READ = 3, WRITE = 4, DELETE = 6, DESCRIBE = 8, DESCRIBE_CONFIGS = 10 }
}
numbers! {
    /// Whether it may be done.
    Effect { ANY = 1, ALLOW = 3 }
}
