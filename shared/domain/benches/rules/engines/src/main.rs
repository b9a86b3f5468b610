//! zen-expression and cel at work: told what to run on its input, it says how long that took.
//!
//! Reads `plan.json` (the rules in both languages) and `facts.json` (the accounts) in the folder that it is given, compiles
//! the rules and builds what the engines want to know of each account, then prints `ready`. From then on each line that it
//! reads names an engine, which is asked every rule of every account once; the CPU seconds of that are the answer. The
//! verdicts of the first time go to a file that is named like the engine.

use serde_json::Value;
use std::error::Error;
use std::io::BufRead;
use std::path::Path;
use zen_expression::expression::Standard;
use zen_expression::scope::Scope;
use zen_expression::vm::VM;

type Problem = Box<dyn Error>;

fn main() -> Result<(), Problem> {
    let folder = std::env::args().nth(1).ok_or("name a folder")?;
    let folder = Path::new(&folder);
    let read =
        |name: &str| -> Result<Value, Problem> { Ok(serde_json::from_slice(&std::fs::read(folder.join(name))?)?) };
    let (plan, facts) = (read("plan.json")?, read("facts.json")?);
    let accounts = facts.as_array().ok_or("no accounts")?;
    let (zen, cel) = (Zen::new(&plan, accounts)?, Cel::new(&plan, accounts)?);
    std::fs::write(folder.join("zen-expression.bin"), zen.run()?)?;
    std::fs::write(folder.join("cel.bin"), cel.run()?)?;
    println!("ready");
    for line in std::io::stdin().lock().lines() {
        let began = cpu_seconds()?;
        let verdicts = match line?.as_str() {
            "zen-expression" => zen.run()?,
            "cel" => cel.run()?,
            other => return Err(format!("there is no `{other}` here").into()),
        };
        let seconds = cpu_seconds()? - began;
        println!("{seconds}");
        drop(verdicts);
    }
    Ok(())
}

fn texts<'a>(plan: &'a Value, language: &str) -> Result<Vec<&'a str>, Problem> {
    let texts = plan[language].as_array().ok_or("no rules")?;
    Ok(texts.iter().filter_map(Value::as_str).collect())
}

struct Zen {
    rules: Vec<zen_expression::Expression<Standard>>,
    accounts: Vec<Scope>,
}

impl Zen {
    fn new(plan: &Value, accounts: &[Value]) -> Result<Self, Problem> {
        let compile = |text: &str| zen_expression::compile_expression(text).map_err(|error| format!("{text}: {error}"));
        let rules = texts(plan, "zen")?.into_iter().map(compile).collect::<Result<_, _>>()?;
        Ok(Self { rules, accounts: accounts.iter().map(|facts| Scope::new(facts.clone().into())).collect() })
    }

    fn run(&self) -> Result<Vec<u8>, Problem> {
        let mut verdicts = Vec::with_capacity(self.rules.len() * self.accounts.len());
        let mut machine = VM::new();
        for account in &self.accounts {
            for rule in &self.rules {
                let said = rule.evaluate_with_scope(account, &mut machine)?;
                verdicts.push(u8::from(said.as_bool().ok_or("a rule is no truth")?));
            }
        }
        Ok(verdicts)
    }
}

struct Cel {
    rules: Vec<cel::Program>,
    accounts: Vec<cel::Context<'static, 'static>>,
}

impl Cel {
    fn new(plan: &Value, accounts: &[Value]) -> Result<Self, Problem> {
        let compile = |text: &str| cel::Program::compile(text).map_err(|error| format!("{text}: {error}"));
        let rules = texts(plan, "cel")?.into_iter().map(compile).collect::<Result<_, _>>()?;
        let mut contexts = Vec::with_capacity(accounts.len());
        for account in accounts {
            let mut context = cel::Context::default();
            for (name, value) in account.as_object().ok_or("an account is no object")? {
                match (value.as_i64(), value.as_str()) {
                    (Some(number), _) => context.add_variable_from_value(name.clone(), number),
                    (_, Some(text)) => context.add_variable_from_value(name.clone(), text.to_owned()),
                    _ => return Err(format!("`{name}` is neither a number nor a text").into()),
                }
            }
            contexts.push(context);
        }
        Ok(Self { rules, accounts: contexts })
    }

    fn run(&self) -> Result<Vec<u8>, Problem> {
        let mut verdicts = Vec::with_capacity(self.rules.len() * self.accounts.len());
        for account in &self.accounts {
            for rule in &self.rules {
                match rule.execute(account)? {
                    cel::Value::Bool(said) => verdicts.push(u8::from(said)),
                    other => return Err(format!("a rule is {other:?}").into()),
                }
            }
        }
        Ok(verdicts)
    }
}

/// What this thread has had of the processor.
fn cpu_seconds() -> Result<f64, Problem> {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    let nanoseconds: f64 = told.split_whitespace().next().ok_or("no time was told")?.parse()?;
    Ok(nanoseconds / 1e9)
}
