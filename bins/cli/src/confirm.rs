//! A question before what cannot be taken back.

use std::io::{self, BufRead, IsTerminal, Write};

use crate::failure::Failure;

/// Asks whether to go on, unless that was said already. Where nobody can be asked the answer is not guessed.
pub(crate) fn confirm(question: &str, is_said: bool) -> anyhow::Result<()> {
    if is_said {
        return Ok(());
    }
    if !io::stdin().is_terminal() {
        let what = format!("{question} Nobody can be asked here, since stdin is no terminal; add `--yes`");
        return Err(Failure::Wrong(what).into());
    }
    match ask(question, &mut io::stdin().lock(), &mut io::stderr())? {
        true => Ok(()),
        false => Err(Failure::Here("nothing was done".to_owned()).into()),
    }
}

/// Everything but a clear yes is no.
fn ask(question: &str, input: &mut impl BufRead, out: &mut impl Write) -> io::Result<bool> {
    write!(out, "{question} [y/N] ")?;
    out.flush()?;
    let mut line = String::new();
    input.read_line(&mut line)?;
    Ok(["y", "yes"].contains(&line.trim().to_ascii_lowercase().as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_clear_yes_is_one() {
        let mut shown = Vec::new();
        for (said, is_yes) in [("y\n", true), ("YES\n", true), ("n\n", false), ("", false), ("yess\n", false)]
        {
            assert_eq!(ask("Delete it?", &mut said.as_bytes(), &mut shown).unwrap(), is_yes, "{said:?}");
        }
        assert!(shown.starts_with(b"Delete it? [y/N] "));
    }
}
