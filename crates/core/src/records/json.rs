//! Bodies of JSON, of any schema that is known.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::RecordError;
use crate::store::{Body, Record, RecordKey};

/// Fields of a later version, kept as they are.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Unknown(Map<String, Value>);

/// From the schema of its place, from 1, to the next.
pub(super) type Migration = fn(Value) -> Value;

/// Reads a body whose present schema comes after all of `migrations`.
pub(super) fn read<T: DeserializeOwned>(record: &Record, migrations: &[Migration]) -> Result<T, RecordError> {
    let (found, known) = (record.body.schema(), schema(migrations));
    if found == 0 || found > known {
        return Err(RecordError::TooNew { key: record.key.clone(), found, known });
    }
    let malformed = |error: serde_json::Error| RecordError::malformed(record, error);
    if found == known {
        return serde_json::from_str(record.body.text()).map_err(malformed);
    }
    let old: Value = serde_json::from_str(record.body.text()).map_err(malformed)?;
    let steps = migrations.iter().skip(usize::try_from(found - 1).unwrap_or(usize::MAX));
    serde_json::from_value(steps.fold(old, |value, step| step(value))).map_err(malformed)
}

/// A body of the present schema.
pub(super) fn write<T: Serialize>(
    key: &RecordKey,
    value: &T,
    migrations: &[Migration],
) -> Result<Body, RecordError> {
    match serde_json::to_string(value) {
        Ok(text) => Ok(Body::new(schema(migrations), &text)),
        // Only for maps whose keys are no text.
        Err(error) => Err(RecordError::Malformed { key: key.clone(), what: error.to_string() }),
    }
}

fn schema(migrations: &[Migration]) -> u32 {
    u32::try_from(migrations.len()).unwrap_or(u32::MAX).saturating_add(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Kind, Revision};

    /// What a kind looks like in its third schema.
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Third {
        names: Vec<String>,
        #[serde(flatten)]
        unknown: Unknown,
    }

    /// The first had one `name`, the second one `title`.
    const STEPS: [Migration; 2] = [
        |mut value| {
            let name = value.as_object_mut().and_then(|fields| fields.remove("name")).unwrap_or_default();
            if let Some(fields) = value.as_object_mut() {
                fields.insert("title".to_owned(), name);
            }
            value
        },
        |mut value| {
            let title = value.as_object_mut().and_then(|fields| fields.remove("title")).unwrap_or_default();
            if let Some(fields) = value.as_object_mut() {
                fields.insert("names".to_owned(), Value::Array(vec![title]));
            }
            value
        },
    ];

    fn record(schema: u32, text: &str) -> Record {
        let key = RecordKey::new(Kind::SETTING, "s").unwrap();
        Record { key, revision: Revision(1), body: Body::new(schema, text) }
    }

    #[test]
    fn every_schema_is_brought_up_to_date() {
        for (schema, text) in [
            (1, r#"{"name":"a","later":{"x":[1]}}"#),
            (2, r#"{"title":"a","later":{"x":[1]}}"#),
            (3, r#"{"names":["a"],"later":{"x":[1]}}"#),
        ] {
            let read: Third = read(&record(schema, text), &STEPS).unwrap();
            assert_eq!(read.names, ["a"]);
            let written = write(&record(1, "").key, &read, &STEPS).unwrap();
            assert_eq!((written.schema(), written.text()), (3, r#"{"names":["a"],"later":{"x":[1]}}"#));
        }
    }

    #[test]
    fn a_later_schema_is_left_alone() {
        let error = read::<Third>(&record(4, "{}"), &STEPS).unwrap_err();
        assert_eq!(
            error.to_string(),
            "setting/s has schema 4 and this program knows schemas up to 3; upgrade this program"
        );
        assert!(read::<Third>(&record(0, "{}"), &STEPS).is_err());
        assert!(matches!(read::<Third>(&record(3, "{"), &STEPS), Err(RecordError::Malformed { .. })));
    }
}
