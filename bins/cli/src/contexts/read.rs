//! The file of contexts, field by field.

use std::path::Path;

use tidegate_core::document::Place;

use super::file::{Context, Contexts};
use super::{Address, ContextName, Gateway, TokenPlace};

/// Reads the outermost value; what is wrong is in its report.
pub(super) fn read(place: &Place<'_>, folder: &Path) -> Contexts {
    let Some(mut fields) = place.fields() else { return Contexts::default() };
    let current = fields.optional("current");
    let mut all: Vec<Context> = Vec::new();
    for place in fields.optional("contexts").map(|place| place.items()).unwrap_or_default() {
        let Some(context) = context(&place, folder) else { continue };
        match all.iter().any(|other| other.name == context.name) {
            true => {
                place.fail(format_args!("context `{}` is there twice; rename or remove one", context.name));
            }
            false => all.push(context),
        }
    }
    fields.finish();
    let named = current.and_then(|place| Some((place.parse(ContextName::parse)?, place)));
    let current = named.and_then(|(name, place)| {
        let is_there = all.iter().any(|context| context.name == name);
        if !is_there {
            place.fail(format_args!("there is no context `{name}`; name one of `contexts`, or leave it out"));
        }
        is_there.then_some(name)
    });
    Contexts { current, all }
}

fn context(place: &Place<'_>, folder: &Path) -> Option<Context> {
    let mut fields = place.fields()?;
    let name = fields.required("name", "write what you call the gateway");
    let address = fields.required("url", "write `https://HOST:PORT`");
    let token = fields.optional("token");
    let ca = fields.optional("ca");
    fields.finish();
    let name = name.and_then(|place| place.parse(ContextName::parse));
    let address = address.and_then(|place| place.parse(Address::parse));
    let token = token.and_then(|place| place.parse(|text| TokenPlace::parse(text, folder)));
    let ca = ca.and_then(|place| place.text().map(|text| folder.join(text)));
    Some(Context { name: name?, gateway: Gateway { address: address?, token, ca } })
}
