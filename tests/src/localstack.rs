//! Brings LocalStack up for a test, deploys the stack on it, and takes everything down again.
//!
//! ```no_run
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use tests::localstack::{Emulator, functions};
//! let emulator = Emulator::start()?;
//! let code = functions::place()?;
//! let stack = emulator.deploy("../infra/template.yaml".as_ref(), &code, &[("Stage", "test")])?;
//! let api = stack.output("ApiUrl");
//! emulator.stop()?;
//! # Ok(())
//! # }
//! ```
//!
//! LocalStack runs as a process of this machine, without Docker: `tests/localstack/README.md` says how, and what
//! differs from AWS. What it needs is installed below the build folder at the first run and reused afterwards.
//! Guarantees: a part that cannot be installed is an error that names it, never a skipped test; any number of
//! emulators may run side by side; when the [`Emulator`] is dropped, or its process ends in whatever way, nothing of
//! it keeps running.

mod command;
mod deploy;
mod folders;
pub mod functions;
mod http;
mod install;
mod tools;
mod wait;

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;

pub use command::CommandError;
pub use deploy::{DeployError, Stack};
use folders::Run;
use install::Installed;
pub use tools::ToolError;
use tools::Tools;
pub use wait::{TimedOut, wait_until};

const REGION: &str = "us-east-1";
const START_LIMIT: Duration = Duration::from_secs(120);
/// LocalStack has 15 seconds to stop by itself; the rest is for ending what it leaves behind.
const STOP_LIMIT: Duration = Duration::from_secs(45);
const LOG_LINES: usize = 60;

/// Why there is no emulator. Every case is a failure of the test run.
#[derive(thiserror::Error)]
pub enum SetupError {
    /// A program that has to be on the machine is not there, or is too old.
    #[error(transparent)]
    Tool(#[from] ToolError),
    /// A step of the installation or of the build failed.
    #[error("`{part}` could not be installed or built")]
    Part {
        /// What was to be made.
        part: &'static str,
        /// The command that failed.
        source: CommandError,
    },
    /// A command answered with something other than what was asked for.
    #[error("`{what}` was not found in what `{command}` answered")]
    Answer {
        /// What was looked for.
        what: String,
        /// The command.
        command: &'static str,
    },
    /// A file or folder could not be read or written.
    #[error("`{path}` could not be used")]
    File {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// No port, or no process.
    #[error("LocalStack could not be launched")]
    Launch(#[source] std::io::Error),
    /// LocalStack ended before it was ready.
    #[error("LocalStack ended while it started:\n{log}")]
    Ended {
        /// The end of its log.
        log: String,
    },
    /// LocalStack did not become ready.
    #[error(transparent)]
    TimedOut(#[from] TimedOut),
}

impl fmt::Debug for SetupError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        command::in_full(self, formatter)
    }
}

impl SetupError {
    fn file(path: &Path) -> impl FnOnce(std::io::Error) -> SetupError {
        let path = path.to_owned();
        move |source| SetupError::File { path, source }
    }
}

/// A LocalStack of one's own on a loopback port.
#[derive(Debug)]
pub struct Emulator {
    installed: Installed,
    run: Run,
    port: u16,
    supervisor: Option<Child>,
}

impl Emulator {
    /// Installs what is missing, starts LocalStack and returns when it answers.
    ///
    /// # Errors
    /// [`SetupError`] says which part is missing or failed, with the end of its output.
    pub fn start() -> Result<Emulator, SetupError> {
        let tools = Tools::find()?;
        let folder = folders::target()?.join("localstack");
        let installed = install::install(&folder, &tools)?;
        let run = Run::claim(&folder.join("runs"))?;
        let port = free_port().map_err(SetupError::Launch)?;
        let supervisor = launch(&installed, &run, &tools, port)?;
        let mut emulator = Emulator { installed, run, port, supervisor: Some(supervisor) };
        emulator.wait_until_ready()?;
        Ok(emulator)
    }

    /// The URL every AWS service answers at, without a slash at the end.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The URL of a stage of a REST API (v1), without a slash at the end.
    #[must_use]
    pub fn api_url(&self, rest_api_id: &str, stage: &str) -> String {
        format!("{}/_aws/execute-api/{rest_api_id}/{stage}", self.endpoint())
    }

    /// The folder of this run: its log, the functions' logs, unpacked code.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.run.folder
    }

    /// Asks a service with the AWS command line, for example `["sqs", "list-queues"]`. An answer without a body is
    /// `null`.
    ///
    /// # Errors
    /// [`CommandError`] with the command's output when it fails or does not answer in JSON.
    pub fn aws(&self, arguments: &[&str]) -> Result<Value, CommandError> {
        command::json(self.aws_command(arguments).args(["--output", "json"]))
    }

    fn aws_command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.installed.python);
        command::without_surroundings(&mut command)
            .args(["-m", "awscli", "--endpoint-url", &self.endpoint()])
            .args(arguments)
            // `package` listens to this alone, and `sqs` to the option alone.
            .env("AWS_ENDPOINT_URL", self.endpoint())
            .envs([
                ("AWS_ACCESS_KEY_ID", "test"),
                ("AWS_SECRET_ACCESS_KEY", "test"),
                ("AWS_DEFAULT_REGION", REGION),
                ("AWS_CONFIG_FILE", "/dev/null"),
                ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null"),
                ("AWS_EC2_METADATA_DISABLED", "true"),
            ]);
        command
    }

    /// How often each operation of a service was called so far, by whomever.
    pub fn calls(&self, service: &str) -> BTreeMap<String, usize> {
        let log = fs::read_to_string(self.run.log_path()).unwrap_or_default();
        let prefix = format!(" AWS {service}.");
        let mut calls = BTreeMap::new();
        for line in log.lines() {
            let Some((_, call)) = line.split_once(&prefix) else { continue };
            let operation = call.split(' ').next().unwrap_or(call);
            *calls.entry(operation.to_owned()).or_default() += 1;
        }
        calls
    }

    /// The ends of LocalStack's log and of each function's, for the message of a test that failed.
    #[must_use]
    pub fn diagnosis(&self) -> String {
        let mut text = format!("\nlogs below `{}`:\n", self.run.folder.display());
        let mut logs = vec![self.run.log_path()];
        logs.extend(folders::files_in(&self.run.functions()));
        for log in logs {
            // Writing to a string cannot fail.
            let _written = writeln!(text, "--- end of `{}`\n{}", log.display(), tail(&log));
        }
        text
    }

    /// Stops LocalStack and what it started, and waits for their end. Dropping the emulator does the same and can
    /// only print what went wrong.
    ///
    /// # Errors
    /// [`TimedOut`] when the processes did not end in time.
    pub fn stop(mut self) -> Result<(), TimedOut> {
        self.take_down()
    }

    fn wait_until_ready(&mut self) -> Result<(), SetupError> {
        let (port, run) = (self.port, &self.run);
        let Some(supervisor) = self.supervisor.as_mut() else { return Ok(()) };
        let ready = wait_until(START_LIMIT, "LocalStack to answer", || {
            if supervisor.try_wait().map_err(SetupError::Launch)?.is_some() {
                return Err(SetupError::Ended { log: tail(&run.log_path()) });
            }
            Ok(answers(port).then_some(()))
        });
        ready.map_err(|error| match error {
            SetupError::TimedOut(timed_out) => timed_out.with(&self.diagnosis()).into(),
            other => other,
        })
    }

    fn take_down(&mut self) -> Result<(), TimedOut> {
        let Some(mut supervisor) = self.supervisor.take() else { return Ok(()) };
        // The supervisor takes the end of its input as the order to stop.
        drop(supervisor.stdin.take());
        let ended = wait_until(STOP_LIMIT, "LocalStack and what it started to end", || {
            Ok(supervisor.try_wait().ok().flatten().map(|_| ()))
        });
        ended.map_err(|timed_out: TimedOut| {
            let killed = supervisor.kill();
            timed_out.with(&format!("its supervisor was killed: {killed:?}{}", self.diagnosis()))
        })
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        if let Err(error) = self.take_down() {
            eprintln!("{error}");
        }
    }
}

fn launch(installed: &Installed, run: &Run, tools: &Tools, port: u16) -> Result<Child, SetupError> {
    let address = format!("127.0.0.1:{port}");
    let (folder, log) = (&run.folder, run.log_handle()?);
    let mut command = Command::new(&installed.python);
    command::without_surroundings(&mut command)
        .args(["-m", "cs_ops_localstack.supervisor"])
        .current_dir(folder)
        .env("PYTHONPATH", &installed.plugin)
        .env("CS_OPS_RUN", folder)
        .env("CS_OPS_DYNAMODB_LOCAL", &installed.dynamodb)
        .env("CS_OPS_JAVA", &tools.java)
        .env("FILESYSTEM_ROOT", folder.join("root"))
        .env("TMPDIR", run.temporary()?)
        .env("XDG_CACHE_HOME", folder.join("cache"))
        .env("GATEWAY_LISTEN", &address)
        .env("LOCALSTACK_HOST", &address)
        .envs([
            ("LAMBDA_RUNTIME_EXECUTOR", "host"),
            ("SQS_ENDPOINT_STRATEGY", "path"),
            ("EAGER_SERVICE_LOADING", "0"),
            // These leave streams to DynamoDB Local; the others need a Kinesis that is downloaded.
            ("PROVIDER_OVERRIDE_DYNAMODB", "v2"),
            ("PROVIDER_OVERRIDE_DYNAMODBSTREAMS", "v2"),
            // Nothing is fetched or reported.
            ("SKIP_SSL_CERT_DOWNLOAD", "1"),
            ("DISABLE_EVENTS", "1"),
            ("DNS_ADDRESS", "0"),
            // A sandbox may be taken for Docker, and FILESYSTEM_ROOT would then be ignored.
            ("OVERRIDE_IN_DOCKER", "0"),
        ])
        .stdin(Stdio::piped())
        .stderr(run.log_handle()?)
        .stdout(log)
        // An interrupt at the terminal ends the tests; the supervisor then stops LocalStack in order.
        .process_group(0);
    command.spawn().map_err(SetupError::Launch)
}

fn free_port() -> std::io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

fn answers(port: u16) -> bool {
    http::exchange(port, "GET /_localstack/health", "").is_ok_and(|answer| answer.succeeded())
}

/// The end of a log, without the lines of LocalStack that say that a request succeeded.
fn tail(log: &Path) -> String {
    match fs::read(log) {
        Ok(bytes) => {
            let text = String::from_utf8_lossy(&bytes);
            let telling: Vec<&str> = text.lines().filter(|line| !line.ends_with(" => 200")).collect();
            command::last_lines(&telling.join("\n"), LOG_LINES)
        }
        Err(error) => format!("(unreadable: {error})"),
    }
}
