//! One plain HTTP request to LocalStack, for what is asked so often that a command line tool would be in the way.

use std::io::{Read, Result, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

const CONNECT_LIMIT: Duration = Duration::from_secs(1);
const ANSWER_LIMIT: Duration = Duration::from_secs(10);

/// What came back, head and body.
pub(super) struct Answer(String);

impl Answer {
    pub(super) fn succeeded(&self) -> bool {
        self.0.lines().next().is_some_and(|status| status.contains(" 200"))
    }

    /// The text between `<name>` and `</name>` in an answer in XML, the first time it occurs.
    pub(super) fn element(&self, name: &str) -> Option<&str> {
        let after = self.0.split_once(&format!("<{name}>"))?.1;
        Some(after.split_once(&format!("</{name}>"))?.0)
    }
}

/// Sends a request, given as method and path, with a body of form fields.
pub(super) fn exchange(port: u16, request: &str, body: &str) -> Result<Answer> {
    send(port, &format!("{request} HTTP/1.0\r\nHost: 127.0.0.1:{port}\r\n"), body)
}

/// Calls an action of a service with the query protocol. LocalStack takes the service from the signature's scope and
/// does not check the signature.
pub(super) fn action(port: u16, service: &str, region: &str, body: &str) -> Result<Answer> {
    let scope = format!("test/20000101/{region}/{service}/aws4_request");
    let head = format!(
        "POST / HTTP/1.0\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/x-www-form-urlencoded\r\n\
         Authorization: AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0\r\n"
    );
    send(port, &head, body)
}

fn send(port: u16, head: &str, body: &str) -> Result<Answer> {
    let mut stream = TcpStream::connect_timeout(&SocketAddr::from((Ipv4Addr::LOCALHOST, port)), CONNECT_LIMIT)?;
    stream.set_read_timeout(Some(ANSWER_LIMIT))?;
    stream.write_all(format!("{head}Content-Length: {}\r\n\r\n{body}", body.len()).as_bytes())?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(Answer(String::from_utf8_lossy(&answer).into_owned()))
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    /// Answers one request and returns what it was.
    fn serve_once(answer: &'static str) -> (u16, thread::JoinHandle<String>) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = vec![0; 4096];
            let length = stream.read(&mut request).unwrap();
            stream.write_all(answer.as_bytes()).unwrap();
            String::from_utf8_lossy(&request[..length]).into_owned()
        });
        (port, server)
    }

    #[test]
    fn an_action_names_its_service_where_localstack_looks() {
        let (port, server) = serve_once("HTTP/1.1 200 OK\r\n\r\n<A><StackStatus>CREATE_COMPLETE</StackStatus></A>");
        let answer = action(port, "cloudformation", "us-east-1", "Action=DescribeStacks").unwrap();
        assert!(answer.succeeded());
        assert_eq!(answer.element("StackStatus"), Some("CREATE_COMPLETE"));
        assert_eq!(answer.element("StackName"), None);
        let request = server.join().unwrap();
        assert!(request.contains("/us-east-1/cloudformation/aws4_request"), "{request}");
        assert!(request.ends_with("Content-Length: 21\r\n\r\nAction=DescribeStacks"), "{request}");
    }

    #[test]
    fn another_status_is_no_success() {
        let (port, server) = serve_once("HTTP/1.1 503 Busy\r\n\r\n 200");
        assert!(!exchange(port, "GET /", "").unwrap().succeeded());
        server.join().unwrap();
    }
}
