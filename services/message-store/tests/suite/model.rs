//! Random sequences of operations against a model of a few lines.

use std::{collections::BTreeMap, sync::Arc};

use madang_domain::{Code, Error, Profile, Role, RoomId, RoomRef, Seq};
use madang_message_store::Service;
use madang_rpc::{
    MessageStore as _,
    store::{Authority, GetRoom, Join, Leave, MarkRead, PutMember, RemoveMember},
};
use proptest::{
    collection::vec,
    prelude::{Just, Strategy, any, prop_oneof},
    strategy::ValueTree as _,
    test_runner::TestRunner,
};

use crate::support::{Fixture, Words as _, seqs, user};

/// Few users and keys, so that operations meet.
const USERS: usize = 4;
const KEYS: u8 = 5;
const SEQUENCES: u32 = 12;

#[derive(Debug, Clone)]
enum Operation {
    Say { user: usize, key: u8 },
    Join { user: usize },
    Leave { user: usize },
    Put { actor: usize, user: usize, role: Role },
    Remove { actor: usize, user: usize },
    Read { user: usize, seq: u64 },
}

fn operation() -> impl Strategy<Value = Operation> {
    let user = || 0..USERS;
    let role = prop_oneof![Just(Role::Member), Just(Role::Moderator), Just(Role::Owner)];
    prop_oneof![
        6 => (user(), 0..KEYS).prop_map(|(user, key)| Operation::Say { user, key }),
        2 => user().prop_map(|user| Operation::Join { user }),
        1 => user().prop_map(|user| Operation::Leave { user }),
        2 => (user(), user(), role).prop_map(|(actor, user, role)| Operation::Put { actor, user, role }),
        1 => (user(), user()).prop_map(|(actor, user)| Operation::Remove { actor, user }),
        4 => (user(), any::<u8>()).prop_map(|(user, seq)| Operation::Read { user, seq: u64::from(seq % 40) }),
    ]
}

/// What a public room must be after the operations.
#[derive(Debug, Default)]
struct Model {
    /// The user and key of each message, none for other events; at its place in the log.
    log: Vec<Option<(usize, u8)>>,
    /// Role and read mark.
    members: BTreeMap<usize, (Role, usize)>,
}

impl Model {
    fn founded() -> Self {
        Self { log: vec![None], members: BTreeMap::from([(0, (Role::Owner, 1))]) }
    }

    fn role(&self, user: usize) -> Result<Role, Code> {
        self.members.get(&user).map(|(role, _)| *role).ok_or(Code::PermissionDenied)
    }

    fn require(allowed: bool, code: Code) -> Result<(), Code> {
        if allowed { Ok(()) } else { Err(code) }
    }

    fn keeps_an_owner(&self) -> Result<(), Code> {
        let owners = self.members.values().filter(|(role, _)| *role == Role::Owner).count();
        Self::require(owners > 1, Code::FailedPrecondition)
    }

    /// To a moderator, else to a member. All have joined at one time, so that the lowest id decides.
    fn hand_over(&mut self, leaving: usize) {
        let others = self.members.iter_mut().filter(|(user, _)| **user != leaving);
        let heir = others.max_by_key(|(user, (role, _))| (*role, std::cmp::Reverse(**user)));
        if let Some((_, (role, _))) = heir {
            *role = Role::Owner;
            self.log.push(None);
        }
    }

    fn admit(&mut self, user: usize, role: Role) {
        self.log.push(None);
        self.members.insert(user, (role, self.log.len()));
    }

    fn dismiss(&mut self, user: usize) {
        self.log.push(None);
        self.members.remove(&user);
    }

    /// The place that the answer names, where it names one.
    fn apply(&mut self, operation: &Operation) -> Result<Option<usize>, Code> {
        match *operation {
            Operation::Say { user, key } => {
                if let Some(first) = self.log.iter().position(|event| *event == Some((user, key))) {
                    return Ok(Some(first + 1));
                }
                self.role(user)?;
                self.log.push(Some((user, key)));
                return Ok(Some(self.log.len()));
            }
            Operation::Join { user } => {
                if !self.members.contains_key(&user) {
                    self.admit(user, Role::Member);
                }
            }
            Operation::Leave { user } => {
                if self.role(user)? == Role::Owner && self.keeps_an_owner().is_err() {
                    self.hand_over(user);
                }
                self.dismiss(user);
            }
            Operation::Put { actor, user, role } => {
                let own = self.role(actor)?;
                match self.members.get(&user).map(|(role, _)| *role) {
                    Some(present) if present == role => {}
                    Some(present) => {
                        Self::require(own == Role::Owner, Code::PermissionDenied)?;
                        if present == Role::Owner {
                            self.keeps_an_owner()?;
                        }
                        self.log.push(None);
                        self.members.entry(user).and_modify(|member| member.0 = role);
                    }
                    None => {
                        let needed = if role == Role::Member { Role::Moderator } else { Role::Owner };
                        Self::require(own >= needed, Code::PermissionDenied)?;
                        self.admit(user, role);
                    }
                }
            }
            Operation::Remove { actor, user } => {
                let own = self.role(actor)?;
                Self::require(actor != user, Code::FailedPrecondition)?;
                Self::require(own >= Role::Moderator, Code::PermissionDenied)?;
                let role = self.role(user).map_err(|_| Code::NotFound)?;
                Self::require(role < own, Code::PermissionDenied)?;
                self.dismiss(user);
            }
            Operation::Read { user, seq } => {
                self.role(user)?;
                let mark = usize::try_from(seq).unwrap().min(self.log.len());
                self.members.entry(user).and_modify(|member| member.1 = member.1.max(mark));
            }
        }
        Ok(None)
    }

    fn unread(&self, user: usize) -> u64 {
        let (_, read) = self.members[&user];
        let others = |event: &&Option<(usize, u8)>| event.is_some_and(|(sender, _)| sender != user);
        self.log[read..].iter().filter(others).count() as u64
    }
}

async fn apply(
    service: &Service,
    room: RoomId,
    people: &[Arc<Profile>],
    operation: &Operation,
) -> Result<Option<usize>, Error> {
    let at = RoomRef::Id(room);
    let who = |user: usize| Arc::clone(&people[user]);
    match *operation {
        Operation::Say { user, key } => {
            let appended = service.say(room, &people[user], &key.to_string()).await?;
            return Ok(usize::try_from(appended.seq.get()).ok());
        }
        Operation::Join { user } => drop(service.join(Join { actor: who(user), room: at }).await?),
        Operation::Leave { user } => drop(service.leave(Leave { actor: who(user), room: at }).await?),
        Operation::Put { actor, user, role } => {
            drop(
                service
                    .put_member(PutMember {
                        actor: who(actor),
                        authority: Authority::User,
                        room: at,
                        user: who(user),
                        role,
                    })
                    .await?,
            );
        }
        Operation::Remove { actor, user } => {
            drop(
                service
                    .remove_member(RemoveMember {
                        actor: who(actor),
                        authority: Authority::User,
                        room: at,
                        user: people[user].id,
                    })
                    .await?,
            );
        }
        Operation::Read { user, seq } => {
            let _ =
                service.mark_read(MarkRead { user: people[user].id, room: at, seq: Seq::new(seq) }).await?;
        }
    }
    Ok(None)
}

async fn check(service: &Service, operations: &[Operation]) {
    let people: Vec<_> = (0..USERS as u128).map(user).collect();
    let room = service.given_public_room(&people[0]).await;
    let mut model = Model::founded();
    for (step, operation) in operations.iter().enumerate() {
        let expected = model.apply(operation);
        let answer = apply(service, room, &people, operation).await.map_err(|error| error.code);
        assert_eq!(answer, expected, "step {step} of {operations:?}");
        for (user, (role, read)) in &model.members {
            let membership = service.view(room, &people[*user]).await.membership.unwrap();
            let found = (membership.role, membership.read.get(), membership.unread);
            assert_eq!(
                found,
                (*role, *read as u64, model.unread(*user)),
                "user {user}, step {step} of {operations:?}"
            );
        }
    }
    let log = service.log(room).await;
    assert_eq!(seqs(&log), (1..=model.log.len() as u64).collect::<Vec<_>>());
    let view = service.get_room(GetRoom { user: Some(people[0].id), room: RoomRef::Id(room) }).await.unwrap();
    assert_eq!(view.room.member_count, model.members.len() as u64);
}

madang_test_kit::on_both!(operations_do_what_the_model_says);

async fn operations_do_what_the_model_says(fixture: Fixture) {
    let service = fixture.service().await;
    // A fixed seed: a failure is the same the next time, and prints its operations.
    let mut runner = TestRunner::deterministic();
    for _ in 0..SEQUENCES {
        let operations = vec(operation(), 1..50).new_tree(&mut runner).unwrap().current();
        check(&service, &operations).await;
    }
}
