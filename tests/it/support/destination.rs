//! A destination that follows a script and keeps what it got, byte for byte.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    task::JoinHandle,
};

use super::eventually;

/// One request as it came over the wire.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Received {
    /// The number of the connection, from 1.
    pub(crate) connection: usize,
    pub(crate) method: String,
    pub(crate) target: String,
    /// In order, with exact bytes.
    pub(crate) headers: Vec<(String, Vec<u8>)>,
    pub(crate) body: Vec<u8>,
    pub(crate) trailers: Vec<(String, Vec<u8>)>,
}

impl Received {
    /// Every value of a header, in order.
    pub(crate) fn values(&self, name: &str) -> Vec<&[u8]> {
        let of_name = self.headers.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name));
        of_name.map(|(_, value)| value.as_slice()).collect()
    }

    /// The one value of a header; empty if it is not there.
    #[track_caller]
    pub(crate) fn header(&self, name: &str) -> String {
        let values = self.values(name);
        assert!(values.len() < 2, "{name} is there more than once: {values:?}");
        String::from_utf8(values.first().copied().unwrap_or_default().to_vec()).unwrap()
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }
}

/// What the destination does with a request.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    says: Says,
    gate: Option<Gate>,
}

#[derive(Debug, Clone)]
enum Says {
    Http { status: u16, headers: Vec<(String, Vec<u8>)>, body: Vec<u8> },
    Raw(Vec<u8>),
    Nothing,
}

impl Reply {
    pub(crate) fn ok() -> Self {
        Self::status(200)
    }

    pub(crate) fn status(status: u16) -> Self {
        Self { says: Says::Http { status, headers: Vec::new(), body: Vec::new() }, gate: None }
    }

    pub(crate) fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        if let Says::Http { headers, .. } = &mut self.says {
            headers.push((name.to_owned(), value.as_ref().to_vec()));
        }
        self
    }

    pub(crate) fn body(mut self, bytes: impl AsRef<[u8]>) -> Self {
        if let Says::Http { body, .. } = &mut self.says {
            *body = bytes.as_ref().to_vec();
        }
        self
    }

    /// Exactly these bytes, and then the connection is closed.
    pub(crate) fn raw(bytes: impl AsRef<[u8]>) -> Self {
        Self { says: Says::Raw(bytes.as_ref().to_vec()), gate: None }
    }

    /// Never an answer; the connection stays open.
    pub(crate) fn nothing() -> Self {
        Self { says: Says::Nothing, gate: None }
    }

    /// Not before the gate is open.
    pub(crate) fn behind(mut self, gate: &Gate) -> Self {
        self.gate = Some(gate.clone());
        self
    }

    /// Whether the connection goes on.
    async fn send(self, tcp: &mut BufReader<TcpStream>, method: &str) -> std::io::Result<bool> {
        if let Some(gate) = &self.gate {
            gate.pass().await;
        }
        match self.says {
            Says::Http { status, headers, body } => {
                let mut bytes = format!("HTTP/1.1 {status} Said\r\n").into_bytes();
                for (name, value) in headers {
                    bytes.extend_from_slice(format!("{name}: ").as_bytes());
                    bytes.extend_from_slice(&value);
                    bytes.extend_from_slice(b"\r\n");
                }
                if !matches!(status, 204 | 304) {
                    bytes.extend_from_slice(format!("content-length: {}\r\n", body.len()).as_bytes());
                }
                bytes.extend_from_slice(b"\r\n");
                if method != "HEAD" {
                    bytes.extend_from_slice(&body);
                }
                tcp.write_all(&bytes).await?;
                Ok(true)
            }
            Says::Raw(bytes) => {
                tcp.write_all(&bytes).await?;
                tcp.shutdown().await?;
                Ok(false)
            }
            Says::Nothing => std::future::pending().await,
        }
    }
}

/// Closed at first; once it is open it stays open.
#[derive(Debug, Clone)]
pub(crate) struct Gate(Arc<Semaphore>);

impl Gate {
    pub(crate) fn closed() -> Self {
        Self(Arc::new(Semaphore::new(0)))
    }

    pub(crate) fn open(&self) {
        self.0.close();
    }

    async fn pass(&self) {
        // Nobody ever adds a permit: this ends when the semaphore is closed.
        assert!(self.0.acquire().await.is_err());
    }
}

type Script = dyn Fn(&Received) -> Reply + Send + Sync;

pub(crate) struct Destination {
    pub(crate) address: SocketAddr,
    seen: Arc<Mutex<Vec<Received>>>,
    connections: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Destination {
    /// Answers 200 to everything.
    pub(crate) async fn ok() -> Self {
        Self::start(|_| Reply::ok()).await
    }

    pub(crate) async fn start(script: impl Fn(&Received) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let connections = Arc::new(AtomicUsize::new(0));
        let script: Arc<Script> = Arc::new(script);
        let task = tokio::spawn(accept(listener, Arc::clone(&seen), Arc::clone(&connections), script));
        Self { address, seen, connections, task }
    }

    /// The URL of a path of it.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Everything that came, in order.
    pub(crate) fn received(&self) -> Vec<Received> {
        self.seen.lock().unwrap().clone()
    }

    /// The one request that came.
    #[track_caller]
    pub(crate) fn only(&self) -> Received {
        let mut received = self.received();
        assert_eq!(received.len(), 1, "{received:#?}");
        received.remove(0)
    }

    /// Waits until so many requests came.
    pub(crate) async fn reached(&self, count: usize) {
        let what = format!("{count} requests at the destination");
        eventually(&what, async || (self.received().len() >= count).then_some(())).await;
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Relaxed)
    }

    pub(crate) fn forget(&self) {
        self.seen.lock().unwrap().clear();
    }
}

impl Drop for Destination {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(
    listener: TcpListener,
    seen: Arc<Mutex<Vec<Received>>>,
    connections: Arc<AtomicUsize>,
    script: Arc<Script>,
) {
    let mut open = tokio::task::JoinSet::new();
    loop {
        let (tcp, _) = listener.accept().await.unwrap();
        let connection = connections.fetch_add(1, Relaxed) + 1;
        let (seen, script) = (Arc::clone(&seen), Arc::clone(&script));
        open.spawn(async move {
            // A connection that breaks off has nothing more to say.
            _ = serve(BufReader::new(tcp), connection, &seen, &*script).await;
        });
    }
}

async fn serve(
    mut tcp: BufReader<TcpStream>,
    connection: usize,
    seen: &Mutex<Vec<Received>>,
    script: &Script,
) -> std::io::Result<()> {
    while let Some(received) = receive(&mut tcp, connection).await? {
        let (reply, method) = (script(&received), received.method.clone());
        seen.lock().unwrap().push(received);
        if !reply.send(&mut tcp, &method).await? {
            // Until the other side closes as well, so that nothing is reset.
            tokio::io::copy(&mut tcp, &mut tokio::io::sink()).await?;
            break;
        }
    }
    Ok(())
}

/// None at the end of the connection.
async fn receive(tcp: &mut BufReader<TcpStream>, connection: usize) -> std::io::Result<Option<Received>> {
    let line = read_line(tcp).await?;
    if line.is_empty() {
        return Ok(None);
    }
    let line = String::from_utf8(line).unwrap();
    let [method, target, "HTTP/1.1"] = line.split(' ').collect::<Vec<_>>()[..] else { panic!("no request: {line}") };
    let headers = read_fields(tcp).await?;
    let mut received = Received {
        connection,
        method: method.to_owned(),
        target: target.to_owned(),
        headers,
        body: Vec::new(),
        trailers: Vec::new(),
    };
    let length = received.header("content-length");
    match received.header("transfer-encoding").as_str() {
        "chunked" => {
            assert_eq!(length, "", "two framings");
            read_chunks(tcp, &mut received).await?;
        }
        "" if !length.is_empty() => {
            received.body = vec![0; length.parse().unwrap()];
            tcp.read_exact(&mut received.body).await?;
        }
        other => assert_eq!(other, "", "what framing is this?"),
    }
    Ok(Some(received))
}

async fn read_chunks(tcp: &mut BufReader<TcpStream>, received: &mut Received) -> std::io::Result<()> {
    loop {
        let line = read_line(tcp).await?;
        let size = usize::from_str_radix(str::from_utf8(&line).unwrap(), 16).unwrap();
        if size == 0 {
            received.trailers = read_fields(tcp).await?;
            return Ok(());
        }
        let start = received.body.len();
        received.body.resize(start + size, 0);
        tcp.read_exact(&mut received.body[start..]).await?;
        assert_eq!(read_line(tcp).await?, b"", "a chunk ends with an empty line");
    }
}

async fn read_fields(tcp: &mut BufReader<TcpStream>) -> std::io::Result<Vec<(String, Vec<u8>)>> {
    let mut fields = Vec::new();
    loop {
        let line = read_line(tcp).await?;
        if line.is_empty() {
            return Ok(fields);
        }
        let colon = line.iter().position(|byte| *byte == b':').unwrap();
        let name = String::from_utf8(line[..colon].to_vec()).unwrap();
        fields.push((name, line[colon + 1..].trim_ascii().to_vec()));
    }
}

/// Without its end; empty at the connection's end as well.
async fn read_line(tcp: &mut BufReader<TcpStream>) -> std::io::Result<Vec<u8>> {
    let mut line = Vec::new();
    tcp.read_until(b'\n', &mut line).await?;
    if let Some(text) = line.strip_suffix(b"\r\n") {
        line.truncate(text.len());
    }
    Ok(line)
}
