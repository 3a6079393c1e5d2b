//! The command line.

use clap::Parser;

/// Try Tidegate: an embedded broker, a gateway and a sample partner zone in one process
#[derive(Debug, Parser)]
#[command(name = "tidegate-sandbox", version)]
pub(crate) struct Options {
    /// First of the consecutive ports on 127.0.0.1: bootstrap, then HTTP, then one for each broker
    #[arg(long, value_name = "PORT", default_value_t = 19092)]
    pub(crate) port: u16,

    /// Use this Kafka (PLAINTEXT) instead of the embedded broker; the two sample topics are created there
    #[arg(long, value_name = "HOST:PORT")]
    pub(crate) upstream: Option<String>,

    /// Keep the sandbox's folder (configuration, zone, account, client files) when it ends
    #[arg(long)]
    pub(crate) keep_dir: bool,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Options::command().debug_assert();
    }

    #[test]
    fn without_flags_the_embedded_broker_serves_on_the_default_port() {
        let options = Options::try_parse_from(["tidegate-sandbox"]).unwrap();
        assert_eq!(options.port, 19092);
        assert_eq!(options.upstream, None);
        assert!(!options.keep_dir);
    }
}
