//! From text to tree.

use serde_saphyr::granit_parser::{Event, Parser, ScalarStyle, ScanError, Span, StrInput, options};

use super::{Document, Node, Problem, Value};
use crate::names::Shown;

/// Larger texts are refused: the biggest sensible manifest, a thousand topics, is a fifth of this.
pub const MAX_TEXT_BYTES: usize = 1 << 20;

/// Parses a text into its documents.
///
/// After a mistake of syntax the rest cannot be trusted, so there is at most one; the documents before it are returned
/// along with it. Anchors, aliases and tags are refused: nothing here needs them, and they can make a small
/// text a huge tree.
pub fn parse(text: &str) -> (Vec<Document>, Option<Problem>) {
    if text.len() > MAX_TEXT_BYTES {
        let what = format!("the text is {} bytes long; at most {MAX_TEXT_BYTES} are read", text.len());
        return (Vec::new(), Some(problem(None, what)));
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let options = options! { emit_comments: false };
    let mut builder = Builder { events: Parser::new_from_str_with_options(text, options), nodes: 0 };
    let mut documents = Vec::new();
    loop {
        match builder.document(documents.len() + 1) {
            Ok(Some(document)) => documents.push(document),
            Ok(None) => return (documents, None),
            Err(problem) => return (documents, Some(problem)),
        }
    }
}

struct Builder<'t> {
    events: Parser<'t, StrInput<'t>>,
    nodes: usize,
}

impl<'t> Builder<'t> {
    fn document(&mut self, number: usize) -> Result<Option<Document>, Problem> {
        loop {
            match self.next()? {
                None | Some((Event::StreamEnd, _)) => return Ok(None),
                Some((Event::StreamStart | Event::DocumentStart(..) | Event::DocumentEnd, _)) => {}
                Some((event, span)) => {
                    let root = self.node(&event, span, 0)?;
                    return Ok(Some(Document { number, root }));
                }
            }
        }
    }

    fn node(&mut self, event: &Event<'t>, span: Span, depth: usize) -> Result<Node, Problem> {
        let line = span.start.line();
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            return Err(problem(Some(line), format!("more than {MAX_NODES} values; split the text")));
        }
        if depth > MAX_DEPTH {
            return Err(problem(Some(line), format!("nested deeper than {MAX_DEPTH} levels")));
        }
        let value = match event {
            Event::Scalar(text, style, 0, None) => scalar(text, *style),
            Event::SequenceStart(_, 0, None) => self.list(depth)?,
            Event::MappingStart(_, 0, None) => self.map(depth)?,
            Event::Alias(_) => {
                return Err(problem(Some(line), "YAML aliases (`*name`) are not read; write the value out"));
            }
            Event::Scalar(_, _, _, None)
            | Event::SequenceStart(_, _, None)
            | Event::MappingStart(_, _, None) => {
                return Err(problem(Some(line), "YAML anchors (`&name`) are not read; remove it"));
            }
            _ => return Err(problem(Some(line), "YAML tags (`!name`) are not read; remove it")),
        };
        Ok(Node { value, line })
    }

    fn list(&mut self, depth: usize) -> Result<Value, Problem> {
        let mut items = Vec::new();
        while let Some((event, span)) = self.next()? {
            if matches!(event, Event::SequenceEnd) {
                break;
            }
            items.push(self.node(&event, span, depth + 1)?);
        }
        Ok(Value::List(items))
    }

    fn map(&mut self, depth: usize) -> Result<Value, Problem> {
        let mut entries: Vec<(String, Node)> = Vec::new();
        let mut seen = std::collections::HashSet::new();
        while let Some((event, span)) = self.next()? {
            if matches!(event, Event::MappingEnd) {
                break;
            }
            let line = span.start.line();
            let Value::Scalar { text: key, .. } = self.node(&event, span, depth + 1)?.value else {
                return Err(problem(Some(line), "a key must be text"));
            };
            if !seen.insert(key.clone()) {
                let what = format!("key `{}` occurs twice in one map; remove one", Shown::of(&key));
                return Err(problem(Some(line), what));
            }
            let Some((event, span)) = self.next()? else { break };
            let mut node = self.node(&event, span, depth + 1)?;
            // A map or list begins on a later line than its key, but people look for the key.
            node.line = line;
            entries.push((key, node));
        }
        Ok(Value::Map(entries))
    }

    fn next(&mut self) -> Result<Option<(Event<'t>, Span)>, Problem> {
        self.events.next().transpose().map_err(|error| syntax(&error))
    }
}

fn scalar(text: &str, style: ScalarStyle) -> Value {
    let plain = style == ScalarStyle::Plain;
    match text {
        "" | "~" | "null" | "Null" | "NULL" if plain => Value::Null,
        _ => Value::Scalar { text: text.to_owned(), plain },
    }
}

fn syntax(error: &ScanError) -> Problem {
    let column = error.marker().col() + 1;
    problem(
        Some(error.marker().line()),
        format!("not valid YAML or JSON at column {column}: {}", error.info()),
    )
}

fn problem(line: Option<usize>, what: impl Into<String>) -> Problem {
    Problem { document: None, path: String::new(), line, what: what.into() }
}

/// A manifest is five levels deep; the recursion here must have an end far before the stack has.
const MAX_DEPTH: usize = 32;
/// A thousand topics are about seven thousand values.
const MAX_NODES: usize = 200_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> String {
        parse(text).1.map(|problem| problem.to_string()).unwrap_or_default()
    }

    #[test]
    fn documents_are_counted_and_empty_ones_known() {
        let (documents, problem) = parse("a: 1\n---\n# nothing\n---\n[x, y]\n");
        assert_eq!(problem, None);
        assert_eq!(
            documents.iter().map(|d| (d.number, d.is_empty())).collect::<Vec<_>>(),
            [(1, false), (2, true), (3, false)]
        );
    }

    #[test]
    fn long_json_on_one_line_is_yaml() {
        let items: Vec<String> =
            (0..1000).map(|n| format!("{{\"name\":\"topic-{n}\",\"on\":true}}")).collect();
        let (documents, problem) = parse(&format!("{{\"list\":[{}]}}", items.join(",")));
        assert_eq!(problem, None);
        assert_eq!(documents.len(), 1);
    }

    #[test]
    fn what_can_grow_is_refused() {
        assert_eq!(refusal("a: &x [1]\nb: *x\n"), "line 1: YAML anchors (`&name`) are not read; remove it");
        assert_eq!(refusal("b: !!str 1\n"), "line 1: YAML tags (`!name`) are not read; remove it");
        assert_eq!(refusal(&("[".repeat(100) + &"]".repeat(100))), "line 1: nested deeper than 32 levels");
        assert!(refusal(&"x".repeat(MAX_TEXT_BYTES + 1)).starts_with("the text is 1048577 bytes long"));
    }

    #[test]
    fn mistakes_of_syntax_keep_the_documents_before_them() {
        let (documents, problem) = parse("a: 1\n---\nb: [1\nc: 2\n");
        assert_eq!(documents.len(), 1);
        assert!(problem.is_some());
        assert_eq!(refusal("a: 1\nb: 2\na: 3\n"), "line 3: key `a` occurs twice in one map; remove one");
    }
}
