//! As much of HTTP/1.1 as the Runtime API and the AWS clients use: kept connections, bodies of a known length.

use std::io::{self, BufRead, Write};
use std::net::TcpStream;

/// A request.
pub struct Exchange {
    /// The path with its query.
    pub path: String,
    headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Exchange {
    /// The next request of a connection; nothing when the other side has hung up.
    pub fn read(reader: &mut impl BufRead) -> io::Result<Option<Self>> {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
        let mut headers = Vec::new();
        loop {
            line.clear();
            reader.read_line(&mut line)?;
            match line.trim_end().split_once(':') {
                Some((name, value)) => headers.push((name.to_ascii_lowercase(), value.trim().to_owned())),
                None => break,
            }
        }
        let mut exchange = Self { path, headers, body: Vec::new() };
        let length = exchange.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
        exchange.body.resize(length, 0);
        reader.read_exact(&mut exchange.body)?;
        Ok(Some(exchange))
    }

    /// A header, named in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// Answers a request.
pub fn answer(mut stream: &TcpStream, status: u16, headers: &[(&str, String)], body: &str) -> io::Result<()> {
    let mut head = format!("HTTP/1.1 {status} -\r\ncontent-length: {}\r\n", body.len());
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    stream.write_all(format!("{head}\r\n{body}").as_bytes())
}
