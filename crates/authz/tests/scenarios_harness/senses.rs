//! What each field that could carry a name, an address or a text means. The list is checked: a test fails
//! when a field of a served API stands nowhere here.

use super::schema::{Field, Kind, Message};

/// What a value is, for the laws.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Sense {
    TopicName,
    TopicId,
    Group,
    TransactionalId,
    /// A group or a transactional id, by another field.
    CoordinatorKey,
    /// A topic, a group or a broker, by another field.
    Resource,
    Host,
    Port,
    Rack,
    /// Free text of the broker.
    Text,
    Cluster,
    /// The client id that the broker knows, with the zone's tag.
    ClientId,
    /// A pattern that the broker would try on every topic.
    Pattern,
    /// Opaque bytes of groups, with topic names inside.
    Blob,
    /// What only followers say.
    Follower,
    /// The partner's own, a constant of Kafka or of the gateway.
    Harmless,
}

/// The sense of a field; `None` for numbers and the like, which name nothing.
pub(crate) fn of(message: &Message, path: &str, field: &Field) -> Option<Sense> {
    named(&message.name, path, &field.name).or_else(|| by_entity(&field.entity))
}

/// Whether values of this kind could carry a name.
pub(crate) fn could_name(kind: &Kind) -> bool {
    match kind {
        Kind::String | Kind::Uuid | Kind::Bytes | Kind::Records => true,
        Kind::Array(element) => could_name(element),
        _ => false,
    }
}

fn by_entity(entity: &str) -> Option<Sense> {
    Some(match entity {
        "topicName" => Sense::TopicName,
        "groupId" => Sense::Group,
        "transactionalId" => Sense::TransactionalId,
        _ => return None,
    })
}

fn named(message: &str, path: &str, name: &str) -> Option<Sense> {
    use Sense::{
        Blob, ClientId, Cluster, CoordinatorKey, Follower, Harmless, Host, Pattern, Port, Rack, Resource,
        Text, TopicId, TopicName,
    };
    Some(match (message, path, name) {
        // The topics of a blob have no entity type in Kafka's definitions.
        ("JoinGroupRequest" | "JoinGroupResponse" | "DescribeGroupsResponse", _, "Topics") => TopicName,
        ("JoinGroupRequest" | "JoinGroupResponse", _, "Metadata") => Blob,
        ("SyncGroupRequest" | "SyncGroupResponse", _, "Assignment") => Blob,
        ("DescribeGroupsResponse", _, "MemberMetadata" | "MemberAssignment") => Blob,
        (_, _, "UserData") => Harmless,
        (_, _, "TopicId") => TopicId,
        ("FindCoordinatorRequest", _, "Key" | "CoordinatorKeys") => CoordinatorKey,
        ("FindCoordinatorResponse", "Coordinators.Key", _) => CoordinatorKey,
        (_, _, "ResourceName") => Resource,
        (_, _, "Host" | "ClientHost") => Host,
        (_, _, "Port") => Port,
        (_, _, "Rack" | "RackId") => Rack,
        (_, _, "ErrorMessage" | "BatchIndexErrorMessage" | "Documentation") => Text,
        (
            "DescribeConfigsResponse",
            "Results.Configs.Synonyms.Name" | "Results.Configs.Synonyms.Value",
            _,
        ) => Text,
        (_, _, "ClusterId") => Cluster,
        ("DescribeGroupsResponse" | "ConsumerGroupDescribeResponse", _, "ClientId") => ClientId,
        (_, _, "SubscribedTopicRegex") => Pattern,
        ("FetchRequest", _, "ReplicaDirectoryId" | "HighWatermark") => Follower,
        (_, _, "ReplicaId") => Follower,
        // Kafka's own words: protocol types, assignors, states, names of settings, values of those that are
        // shown.
        (_, _, "ProtocolType" | "ProtocolName" | "ProtocolData" | "AssignorName" | "ServerAssignor") => {
            Harmless
        }
        (_, _, "GroupState" | "GroupType" | "StatesFilter" | "TypesFilter" | "ConfigurationKeys") => Harmless,
        ("JoinGroupRequest", "Protocols.Name", _) => Harmless,
        ("DescribeConfigsResponse", "Results.Configs.Name" | "Results.Configs.Value", _) => Harmless,
        ("ApiVersionsResponse", "SupportedFeatures.Name" | "FinalizedFeatures.Name", _) => Harmless,
        // The partner's own, only ever between its members.
        (_, _, "MemberId" | "GroupInstanceId" | "InstanceId" | "Leader" | "Reason") => Harmless,
        (_, _, "CommittedMetadata") | ("OffsetFetchResponse", _, "Metadata") => Harmless,
        (_, _, "Records") => Harmless,
        ("ApiVersionsRequest", _, _) => Harmless,
        _ => return None,
    })
}
