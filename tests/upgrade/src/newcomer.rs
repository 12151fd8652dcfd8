//! Somebody who comes while two releases run side by side, and does once what the crowd does not do again: the first writes
//! into the tables of accounts, rooms and members, and reads of what others have written.

use std::net::SocketAddr;

use madang_chaos::Result;
use madang_client::{Client, Error, NewRoom};

/// Newcomers are no more patient than anybody.
const PASSWORD: &str = "a gate between two yards";

/// Registers at each gateway, makes a room there, speaks in it, and is joined and read at the next gateway. Says what failed.
///
/// # Errors
/// When a gateway's address is none.
pub async fn come(gateways: &[SocketAddr], number: usize) -> Result<Vec<String>> {
    let apis: Vec<Client> = gateways
        .iter()
        .map(|gateway| Client::new(&format!("http://{gateway}")))
        .collect::<std::result::Result<_, _>>()
        .map_err(madang_chaos::Error::set_up("reach the gateways"))?;
    let mut troubles = Vec::new();
    for (place, here) in apis.iter().enumerate() {
        let there = &apis[(place + 1) % apis.len()];
        let trouble = match visit(here, there, &format!("{number}-{place}")).await {
            Ok(true) => continue,
            Ok(false) => "what was said is not in the history".to_owned(),
            Err(error) => error.to_string(),
        };
        troubles.push(format!("a newcomer at gateway {}: {trouble}", place + 1));
    }
    Ok(troubles)
}

/// Whether what was said was read.
async fn visit(here: &Client, there: &Client, name: &str) -> std::result::Result<bool, Error> {
    let host = here.register(&format!("host-{name}"), PASSWORD, None).await?;
    let guest = there.register(&format!("guest-{name}"), PASSWORD, None).await?;
    let (host, guest) = (here.with_token(host.access_token), there.with_token(guest.access_token));
    let room = host.create_room(&NewRoom::public(format!("Yard {name}"))).await?.id;
    let said = host.send_message(room, "come in", Some("first")).await?;
    guest.join(room).await?;
    let heard = guest.messages(room, None, None, None).await?;
    guest.mark_read(room, said.seq).await?;
    host.pin(room, &said.id).await?;
    guest.leave(room).await?;
    Ok(heard.items.iter().any(|message| *message.id == said.id))
}
