//! All that a bench run needs, started in order and ended with it.

use std::env;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, ensure};

use super::daemon::Plan;
use super::lane::{Lane, Name};
use super::load::{self, Loader};
use super::{Args, Upstream};
use crate::bench::build;
use crate::bench::process::Process;

/// The upstream, the lanes to it and the load tool.
pub(super) struct Stand {
    pub(super) lanes: Vec<Lane>,
    pub(super) loader: Loader,
    pub(super) topics: Topics,
    taking_part: Vec<Name>,
    /// What is not as asked for.
    pub(super) notes: Vec<String>,
    folder: PathBuf,
    binaries: PathBuf,
    base_port: u16,
    bare_buffer: usize,
    upstream: SocketAddr,
    _broker: Option<Process>,
}

/// Backing topics: one may be trimmed by its retention while the other keeps offset 0.
#[derive(Clone, Copy, Debug)]
pub(super) struct Topics {
    pub(super) write: &'static str,
    pub(super) read: &'static str,
}

/// Partitions of the null broker's topic: with 1 MB of each an answer can be larger than any that the gateway lets by.
const PARTITIONS: u32 = 64;

impl Stand {
    pub(super) fn start(args: &Args) -> Result<Self> {
        let with_gateway = args.lanes.contains(&Name::Gateway);
        let packages = ["tidegate-benches", "tidegate-gateway-bin"];
        let binaries = build::dist(if with_gateway { &packages } else { &packages[..1] }, &[])?;
        let folder = build::folder()?;
        let (broker, upstream, topics) = match (args.upstream, args.kafka) {
            (Upstream::Kafka, Some(kafka)) => (None, kafka, Topics { write: "bench", read: "bench-read" }),
            _ => {
                let address = local(args.base_port);
                let mut command = Command::new(binaries.join("null-broker"));
                command.arg(address.to_string()).arg(format!("--partitions={PARTITIONS}"));
                let broker = Process::serve("null-broker", command, &folder, address)?;
                (Some(broker), address, Topics { write: "bench", read: "bench" })
            }
        };
        let loader = Loader::new(binaries.join("load"));
        let mut stand = Self {
            lanes: Vec::new(),
            loader,
            topics,
            taking_part: args.lanes.clone(),
            notes: Vec::new(),
            folder,
            binaries,
            base_port: args.base_port,
            bare_buffer: args.bare_buffer,
            upstream,
            _broker: broker,
        };
        if args.upstream == Upstream::Kafka {
            load::prepare_topics(&stand.loader, upstream, topics)?;
        }
        for &name in &args.lanes {
            stand.add_lane(name)?;
        }
        Ok(stand)
    }

    pub(super) fn lane(&self, name: Name) -> Option<&Lane> {
        self.lanes.iter().find(|lane| lane.name == name)
    }

    /// Starts a lane's process anew and ends all others; none if the lane does not take part.
    pub(super) fn alone(&mut self, name: Name) -> Result<Option<&Lane>> {
        // The old ones must be gone first: new ones use the same ports.
        self.lanes.clear();
        let takes_part = if name == Name::Encrypted { Name::Gateway } else { name };
        if self.taking_part.contains(&takes_part) {
            self.add_lane(name)?;
        }
        Ok(self.lanes.first())
    }

    fn open(&self, name: Name) -> Result<Option<Lane>> {
        match name {
            Name::Direct => {
                Ok(Some(Lane { name, address: self.upstream, zone: None, ca: None, process: None }))
            }
            Name::Bare => self.bare().map(Some),
            Name::Haproxy => self.haproxy(),
            Name::Gateway => self.gateway(None).map(Some),
            Name::Encrypted => self.gateway(Some(&self.certificate()?)).map(Some),
        }
    }

    fn add_lane(&mut self, name: Name) -> Result<()> {
        match self.open(name)? {
            Some(lane) => self.lanes.push(lane),
            None => self.notes.push("haproxy is not installed: its lane is left out".to_owned()),
        }
        Ok(())
    }

    fn bare(&self) -> Result<Lane> {
        let address = local(self.base_port + 1);
        let mut command = Command::new(self.binaries.join("bare-proxy"));
        command.arg(address.to_string()).arg(self.upstream.to_string());
        command.arg(format!("--buffer={}", self.bare_buffer));
        let process = Process::serve("bare-proxy", command, &self.folder, address)?;
        Ok(Lane { name: Name::Bare, address, zone: None, ca: None, process: Some(process) })
    }

    fn haproxy(&self) -> Result<Option<Lane>> {
        let Some(binary) = installed("haproxy") else { return Ok(None) };
        let address = local(self.base_port + 2);
        let config = self.folder.join("haproxy.cfg");
        fs::write(&config, haproxy_config(address, self.upstream))?;
        let mut command = Command::new(binary);
        command.arg("-db").arg("-f").arg(config);
        let process = Process::serve("haproxy", command, &self.folder, address)?;
        Ok(Some(Lane { name: Name::Haproxy, address, zone: None, ca: None, process: Some(process) }))
    }

    /// The folder of a certificate that was made a moment ago.
    fn certificate(&self) -> Result<PathBuf> {
        let folder = self.folder.join("certificate");
        let status = Command::new(self.binaries.join("certificate")).arg(&folder).status()?;
        ensure!(status.success(), "making a certificate failed: {status}");
        Ok(folder)
    }

    fn gateway(&self, tls: Option<&Path>) -> Result<Lane> {
        let topics = [self.topics.write, self.topics.read];
        let distinct = if self.topics.write == self.topics.read { topics.get(..1) } else { topics.get(..) };
        let plan = Plan {
            binary: &self.binaries.join("tidegate-gateway"),
            folder: &self.folder,
            upstream: self.upstream,
            base_port: self.base_port,
            topics: distinct.unwrap_or_default(),
            tls,
        };
        plan.start()
    }
}

fn installed(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    // Debian keeps servers in sbin, which is not on everybody's path.
    let folders = env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]);
    folders.map(|folder| folder.join(program)).find(|path| Path::is_file(path))
}

fn haproxy_config(address: SocketAddr, upstream: SocketAddr) -> String {
    format!(
        "global\n    nbthread 2\n    maxconn 6000\ndefaults\n    mode tcp\n    timeout connect 5s\n    timeout client 10m\n    timeout server 10m\n\
         listen kafka\n    bind {address}\n    server broker {upstream}\n"
    )
}

fn local(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}
