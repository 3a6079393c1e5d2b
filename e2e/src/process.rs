//! Child processes that cannot outlive the test.
//!
//! A child is started under `setpriv --pdeathsig KILL`, so the kernel kills it when its parent dies, also by
//! `kill -9`. The kernel means the parent *thread*, and libtest ends a thread after each test; so all
//! children are started by one thread that lives as long as the process.

use std::fs::File;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{OnceLock, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// A running child: killed and reaped on drop.
#[derive(Debug)]
pub struct Guarded {
    child: Child,
    name: String,
}

/// What a finished program left behind.
#[derive(Debug)]
pub struct Finished {
    /// How it ended.
    pub status: ExitStatus,
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
}

/// Starts `program` with both outputs going to `log`.
pub fn start(program: &Command, log: &Path) -> Result<Guarded> {
    let out = File::options().create(true).append(true).open(log)?;
    let err = out.try_clone()?;
    let mut command = tied(program);
    command.stdin(Stdio::null()).stdout(out).stderr(err);
    Guarded::spawn(command, label(program))
}

/// Runs `program` to its end, at most for `limit`; a longer run is killed and reported with what it printed.
pub fn run(program: &Command, limit: Duration) -> Result<Finished> {
    run_with_input(program, limit, "")
}

/// As [`run`], with `input` on the program's standard input.
pub fn run_with_input(program: &Command, limit: Duration, input: &str) -> Result<Finished> {
    let scratch = tempfile::tempdir()?;
    let (stdin, stdout, stderr) =
        (scratch.path().join("in"), scratch.path().join("out"), scratch.path().join("err"));
    std::fs::write(&stdin, input)?;
    let mut command = tied(program);
    command.stdin(File::open(&stdin)?).stdout(File::create(&stdout)?).stderr(File::create(&stderr)?);
    let mut child = Guarded::spawn(command, label(program))?;
    let status = child.wait(limit)?;
    let read = |path| std::fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    let (stdout, stderr) = (read(&stdout)?, read(&stderr)?);
    match status {
        Some(status) => Ok(Finished { status, stdout, stderr }),
        None => bail!("{} still runs after {limit:?}\n{stdout}\n{stderr}", label(program)),
    }
}

/// As [`run`], but an exit code other than 0 is an error that carries both outputs.
pub fn run_ok(program: &Command, limit: Duration) -> Result<Finished> {
    let done = run(program, limit)?;
    if !done.status.success() {
        bail!("{} ended with {}\n{}\n{}", label(program), done.status, done.stdout, done.stderr);
    }
    Ok(done)
}

impl Guarded {
    fn spawn(command: Command, name: String) -> Result<Self> {
        let child = spawn_on_lasting_thread(command).with_context(|| format!("starting {name}"))?;
        Ok(Self { child, name })
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The exit status, if it ended by itself.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>> {
        self.child.try_wait().with_context(|| format!("asking for the state of {}", self.name))
    }

    /// Waits for the end, at most for `limit`.
    pub fn wait(&mut self, limit: Duration) -> Result<Option<ExitStatus>> {
        let until = Instant::now() + limit;
        loop {
            if let Some(status) = self.ended()? {
                return Ok(Some(status));
            }
            if Instant::now() >= until {
                return Ok(None);
            }
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Kills it with SIGKILL and waits for its end.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Asks it to stop with SIGTERM; kills it if it has not stopped after `limit`.
    pub fn stop(&mut self, limit: Duration) -> Result<Option<ExitStatus>> {
        // std has no call for SIGTERM and unsafe code is forbidden: ask the shell's own kill.
        Command::new("sh").args(["-c", &format!("kill -TERM {}", self.id())]).status()?;
        let status = self.wait(limit)?;
        self.kill();
        Ok(status)
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The same program under `setpriv`, in its own process group so that Ctrl-C reaches the harness alone.
fn tied(program: &Command) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "--"]).arg(program.get_program()).args(program.get_args());
    for (key, value) in program.get_envs() {
        match value {
            Some(value) => command.env(key, value),
            None => command.env_remove(key),
        };
    }
    if let Some(dir) = program.get_current_dir() {
        command.current_dir(dir);
    }
    command.process_group(0);
    command
}

fn label(program: &Command) -> String {
    let args: Vec<_> = program
        .get_args()
        .map(|arg| arg.to_string_lossy())
        // A class path of a hundred jars helps nobody who reads the message.
        .filter(|arg| arg.len() < 200)
        .collect();
    format!("{} {}", program.get_program().to_string_lossy(), args.join(" "))
}

type Job = (Command, mpsc::Sender<io::Result<Child>>);

fn spawn_on_lasting_thread(command: Command) -> io::Result<Child> {
    static SPAWNER: OnceLock<mpsc::Sender<Job>> = OnceLock::new();
    let spawner = SPAWNER.get_or_init(|| {
        let (sender, jobs) = mpsc::channel::<Job>();
        thread::spawn(move || {
            for (mut command, answer) in jobs {
                let _ = answer.send(command.spawn());
            }
        });
        sender
    });
    let (answer, child) = mpsc::channel();
    spawner.send((command, answer)).map_err(io::Error::other)?;
    child.recv().map_err(io::Error::other)?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_gives_back_status_and_outputs() {
        let mut program = Command::new("sh");
        program.args(["-c", "cat; echo oops >&2; exit 3"]);
        let done = run_with_input(&program, Duration::from_secs(5), "hello").unwrap();
        assert_eq!(
            (done.status.code(), done.stdout.as_str(), done.stderr.as_str()),
            (Some(3), "hello", "oops\n")
        );
    }

    #[test]
    fn a_run_is_bounded() {
        let mut program = Command::new("sleep");
        program.arg("60");
        let error = run(&program, Duration::from_millis(200)).unwrap_err().to_string();
        assert!(error.contains("sleep 60 still runs after 200ms"), "{error}");
    }

    #[test]
    fn a_child_survives_the_thread_that_asked_for_it() {
        let mut child = thread::spawn(|| {
            let mut program = Command::new("sleep");
            program.arg("60");
            Guarded::spawn(tied(&program), label(&program)).unwrap()
        })
        .join()
        .unwrap();
        thread::sleep(Duration::from_millis(200));
        assert!(child.ended().unwrap().is_none());
    }
}
