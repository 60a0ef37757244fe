//! A proxy on loopback between candor and a server, which does to connections what networks do.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// What is done to one connection.
#[derive(Debug, Clone, Copy)]
pub enum Fault {
    /// Every piece of the reply comes so much later.
    Latency(Duration),
    /// It is closed before anything is sent on.
    Refused,
    /// It is reset in the middle of the request.
    Reset,
    /// The request is sent on, and nothing ever comes back.
    HalfOpen,
    /// The request is sent on, and the reply ends after so many bytes; after none, it is lost.
    Truncated(usize),
    /// The reply comes in so many bytes at a time, with a pause between.
    Drip(usize, Duration),
}

/// The proxy. It ends with the test.
pub struct FaultProxy {
    pub address: SocketAddr,
    connections: Arc<AtomicUsize>,
}

impl FaultProxy {
    /// Does to the nth connection, from 0, what `fault` says.
    pub fn new(server: SocketAddr, fault: impl Fn(usize) -> Fault + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port on loopback");
        let address = listener.local_addr().expect("the port");
        let connections = Arc::new(AtomicUsize::new(0));
        let (count, fault) = (Arc::clone(&connections), Arc::new(fault));
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let number = count.fetch_add(1, Ordering::SeqCst);
                let fault = fault(number);
                std::thread::spawn(move || {
                    let _ = carry(client, server, fault);
                });
            }
        });
        Self {
            address,
            connections,
        }
    }

    pub fn spec(&self, name: &str) -> String {
        format!("http://{}/v1#{name}", self.address)
    }

    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

fn carry(client: TcpStream, server: SocketAddr, fault: Fault) -> std::io::Result<()> {
    match fault {
        Fault::Refused => return client.shutdown(Shutdown::Both),
        // What is closed with bytes unread is reset.
        Fault::Reset => return (&client).read_exact(&mut [0]),
        _ => {}
    }
    let server = TcpStream::connect(server)?;
    let (mut from_client, mut to_server) = (client.try_clone()?, server.try_clone()?);
    let up = std::thread::spawn(move || {
        let _ = std::io::copy(&mut from_client, &mut to_server);
        let _ = to_server.shutdown(Shutdown::Write);
    });
    let _ = down(server, client, fault);
    let _ = up.join();
    Ok(())
}

/// Carries the reply.
fn down(mut server: TcpStream, mut client: TcpStream, fault: Fault) -> std::io::Result<()> {
    let mut buffer = [0; 1 << 14];
    let mut left = match fault {
        Fault::Truncated(bytes) => bytes,
        _ => usize::MAX,
    };
    loop {
        let n = server.read(&mut buffer)?;
        if n == 0 {
            return client.shutdown(Shutdown::Write);
        }
        match fault {
            Fault::Refused | Fault::Reset | Fault::Truncated(_) => {}
            Fault::Latency(wait) => std::thread::sleep(wait),
            Fault::HalfOpen => std::thread::sleep(Duration::from_mins(1)),
            Fault::Drip(size, pause) => {
                for piece in buffer[..n].chunks(size) {
                    client.write_all(piece)?;
                    std::thread::sleep(pause);
                }
                continue;
            }
        }
        let taken = n.min(left);
        client.write_all(&buffer[..taken])?;
        left -= taken;
        if left == 0 {
            return client.shutdown(Shutdown::Both);
        }
    }
}
