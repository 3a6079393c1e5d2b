//! Starts a cluster for a person at a terminal: `cargo xtask kafka up`.
#![allow(clippy::print_stdout, reason = "a person reads the terminal")]

use anyhow::{Context, Result};
use clap::Parser;
use tidegate_e2e::jars::Version;
use tidegate_e2e::kafka::{Kafka, Protocol, User};

/// Starts Apache Kafka and keeps it until Ctrl-C.
#[derive(Parser)]
struct Args {
    /// 4.1.1 or 3.9.1
    #[arg(long, default_value = "4.1.1")]
    version: Version,
    /// 1 or 3
    #[arg(long, default_value_t = 1)]
    brokers: u16,
    /// PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL
    #[arg(long, default_value = "PLAINTEXT")]
    protocol: Protocol,
    /// StandardAuthorizer, with the admin as its super user
    #[arg(long)]
    authorizer: bool,
    /// A JVM as in production instead of one that starts quickly
    #[arg(long)]
    optimized: bool,
    /// KEY=VALUE of each broker's server.properties
    #[arg(long)]
    setting: Vec<String>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let args = Args::parse();
    let admin = User { name: "admin".to_owned(), password: "admin-secret".to_owned() };
    let mut builder = Kafka::builder(args.version).brokers(args.brokers).protocol(args.protocol).admin(admin);
    if args.authorizer {
        builder = builder.authorizer();
    }
    if args.optimized {
        builder = builder.optimized();
    }
    for setting in &args.setting {
        let (key, value) = setting.split_once('=').context("a setting is KEY=VALUE")?;
        builder = builder.setting(key, value);
    }
    let kafka = builder.start()?;
    print!("{}", description(&kafka));
    wait_for_the_end().await?;
    drop(kafka);
    println!("stopped");
    Ok(())
}

fn description(kafka: &Kafka) -> String {
    let mut text = format!(
        "Apache Kafka {} is up\nbootstrap.servers={}\nsecurity.protocol={}\n",
        kafka.version(),
        kafka.bootstrap(),
        kafka.protocol()
    );
    if kafka.protocol().has_sasl() {
        let admin = kafka.admin();
        text += &format!(
            "sasl.mechanism=PLAIN (or SCRAM-SHA-256, SCRAM-SHA-512)\nuser {} password {}\n",
            admin.name, admin.password
        );
    }
    if kafka.protocol().has_tls() {
        text += &format!("ssl.truststore.type=PEM\nssl.truststore.location={}\n", kafka.ca().display());
    }
    text + "Ctrl-C stops it and removes its data.\n"
}

async fn wait_for_the_end() -> Result<()> {
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        done = tokio::signal::ctrl_c() => done?,
        _ = terminate.recv() => {}
    }
    Ok(())
}
