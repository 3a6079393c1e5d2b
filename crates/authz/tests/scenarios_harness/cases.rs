//! One scenario: what its file says, and what happens.

use serde_json::{Value, json};
use tidegate_wire::api::ApiKey;

use super::broker::talkative;
use super::codec;
use super::play::{Answer, Exchange, Observed, Player, read};
use super::schema::{self, Message};
use super::senses::{self, Sense};
use super::shape::{cut, trim, visit};
use super::world::World;
use super::yaml;

/// A scenario as a file or a template gives it.
#[derive(Clone)]
pub(crate) struct Scenario {
    pub(crate) key: ApiKey,
    pub(crate) version: i16,
    pub(crate) case: String,
    pub(crate) why: String,
    pub(crate) zone: String,
    /// Exchanges on the same connection before the one that is looked at.
    pub(crate) before: Vec<Said>,
    pub(crate) said: Said,
    pub(crate) expected: Expected,
}

/// What the client and the broker say in one exchange.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Said {
    pub(crate) request: Value,
    pub(crate) broker: Vec<Value>,
}

/// What comes of it, without the fields that have their defaults.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Expected {
    pub(crate) upstream: Vec<Value>,
    /// The fields of the answer, `close` or `none`.
    pub(crate) answer: Value,
}

/// A played scenario with everything that crossed, read.
pub(crate) struct Played {
    pub(crate) scenario: Scenario,
    pub(crate) world: World,
    pub(crate) exchange: Exchange,
    pub(crate) observed: Observed,
    pub(crate) client: Value,
    pub(crate) broker: Vec<Value>,
    pub(crate) upstream: Vec<Value>,
    pub(crate) answer: Option<Value>,
}

impl Scenario {
    /// `API/version/case`.
    pub(crate) fn place(&self) -> String {
        format!("{:?}/{}/{}", self.key, self.version, self.case)
    }

    /// The first word of the case's name.
    pub(crate) fn kind(&self) -> &str {
        self.case.split('-').next().unwrap_or_default()
    }

    pub(crate) fn request(&self) -> &'static Message {
        schema::request(self.key)
    }

    pub(crate) fn response(&self) -> &'static Message {
        schema::response(self.key)
    }

    /// What a template or a file says under `given`, cut to the version.
    pub(crate) fn said(key: ApiKey, version: i16, given: &Value) -> Result<Said, String> {
        let broker = given["broker"].as_array().map(Vec::as_slice).unwrap_or_default().iter();
        let empty = json!({});
        Ok(Said {
            request: cut(schema::request(key), version, given.get("request").unwrap_or(&empty))?,
            broker: broker
                .map(|one| Ok(talkative(key, version, cut(schema::response(key), version, one)?)))
                .collect::<Result<_, String>>()?,
        })
    }

    pub(crate) fn play(self) -> Played {
        self.play_with(|exchange| exchange)
    }

    /// Plays with bytes that `change` has had its hand on.
    pub(crate) fn play_with(self, change: impl Fn(Exchange) -> Exchange) -> Played {
        let world = World::of(&self.zone);
        let mut player = Player::new(&world, self.key, self.version);
        for said in &self.before {
            player.play(&change(self.exchange(&world, said)));
        }
        let exchange = change(self.exchange(&world, &self.said));
        let observed = player.play(&exchange);
        let request = |body: &Vec<u8>| read(self.request(), self.version, body);
        let response = |body: &Vec<u8>| read(self.response(), self.version, body);
        let answer = match &observed.answer {
            Answer::Body(body) => Some(response(body)),
            Answer::Close | Answer::None => None,
        };
        Played {
            client: request(&exchange.body),
            broker: exchange.broker.iter().take(observed.upstream.len()).map(response).collect(),
            upstream: observed.upstream.iter().map(request).collect(),
            answer,
            scenario: self,
            world,
            exchange,
            observed,
        }
    }

    fn exchange(&self, world: &World, said: &Said) -> Exchange {
        let encode = |message, value: &Value| {
            codec::encode(message, self.version, &strings(value, &|s| world.resolve(s)))
        };
        Exchange {
            body: encode(self.request(), &said.request),
            broker: said.broker.iter().map(|one| encode(self.response(), one)).collect(),
        }
    }

    /// The text of its file.
    pub(crate) fn text(&self) -> String {
        let mut out = format!("# {}\nzone: {}\n", self.why, self.zone);
        let (request, response) = (&self.request().fields, &self.response().fields);
        if !self.before.is_empty() {
            out.push_str("before:\n");
        }
        for said in &self.before {
            let mut one = String::new();
            yaml::member(&mut one, "request", request, &said.request, 2);
            yaml::member(&mut one, "broker", response, &Value::Array(said.broker.clone()), 2);
            out.push_str("  - ");
            out.push_str(one.trim_start());
        }
        yaml::member(&mut out, "request", request, &self.said.request, 0);
        yaml::member(&mut out, "upstream", request, &Value::Array(self.expected.upstream.clone()), 0);
        yaml::member(&mut out, "broker", response, &Value::Array(self.said.broker.clone()), 0);
        yaml::member(&mut out, "answer", response, &self.expected.answer, 0);
        out
    }
}

impl Played {
    /// What came of it, as a file says it.
    pub(crate) fn outcome(&self) -> Expected {
        let scenario = &self.scenario;
        let render = |message, value: &Value| {
            strings(&trim(message, scenario.version, value), &|text| self.world.render(text))
        };
        Expected {
            upstream: self.upstream.iter().map(|one| render(scenario.request(), one)).collect(),
            answer: match (&self.answer, &self.observed.answer) {
                (Some(answer), _) => render(scenario.response(), answer),
                (None, Answer::Close) => json!("close"),
                (None, _) => json!("none"),
            },
        }
    }
}

/// `value` with `change` made to every string in it.
pub(crate) fn strings(value: &Value, change: &dyn Fn(&str) -> String) -> Value {
    match value {
        Value::String(text) => json!(change(text)),
        Value::Array(all) => all.iter().map(|one| strings(one, change)).collect(),
        Value::Object(all) => all
            .iter()
            .map(|(name, one)| (name.clone(), strings(one, change)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        other => other.clone(),
    }
}

/// The leaves of one sense.
pub(crate) fn of_sense(message: &Message, version: i16, value: &Value, sense: Sense) -> Vec<String> {
    let mut found = Vec::new();
    visit(message, version, &mut value.clone(), &mut |path, field, leaf| {
        if senses::of(message, path, field) == Some(sense) {
            found.extend(leaf.as_str().map(str::to_owned));
        }
    });
    found
}
