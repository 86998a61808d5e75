use std::net::IpAddr;

use tenantry_kernel::UserId;

use super::DeviceId;
use crate::LoginIdentifier;

/// What is guessed. Each kind is counted for itself, so that failures of one don't lock another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GuessKind {
    /// The password, to sign in.
    Password,
    /// The password, to confirm what somebody who is signed in wants to do.
    Confirmation,
}

impl GuessKind {
    /// Every kind.
    pub const ALL: &'static [Self] = &[Self::Password, Self::Confirmation];

    /// Part of the name of a bucket: never change it.
    fn label(self) -> &'static [u8] {
        match self {
            Self::Password => b"password",
            Self::Confirmation => b"confirmation",
        }
    }
}

/// Whose secret is guessed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GuessSubject<'a> {
    /// An account's, by whichever of its names.
    Account(UserId),
    /// That of an account that does not exist.
    Name(&'a LoginIdentifier),
}

/// What is guessed at, from where.
#[derive(Debug, Clone, Copy)]
pub struct GuessTarget<'a> {
    /// What is guessed.
    pub kind: GuessKind,
    /// Whose secret it is.
    pub subject: GuessSubject<'a>,
    /// From which address, where that is to count.
    pub address: Option<IpAddr>,
    /// From which of the account's known devices.
    pub device: Option<DeviceId>,
}

impl<'a> GuessTarget<'a> {
    /// A guess at this subject from nowhere in particular.
    #[must_use]
    pub fn at(kind: GuessKind, subject: GuessSubject<'a>) -> Self {
        Self { kind, subject, address: None, device: None }
    }

    /// What the keyed hash that names the subject's bucket is made of.
    pub(super) fn subject_label(&self) -> Vec<u8> {
        match self.subject {
            GuessSubject::Account(id) => label(&[self.kind.label(), b"account", id.as_uuid().as_bytes()]),
            GuessSubject::Name(identifier) => label(&[self.kind.label(), b"name", identifier.key().as_bytes()]),
        }
    }

    /// The same for the device's bucket; only an account has devices.
    pub(super) fn device_label(&self) -> Option<Vec<u8>> {
        match (self.subject, self.device) {
            (GuessSubject::Account(user), Some(device)) => {
                let (user, device) = (user.as_uuid(), device.as_uuid());
                Some(label(&[self.kind.label(), b"device", user.as_bytes(), device.as_bytes()]))
            }
            _ => None,
        }
    }

    /// The same for the address's bucket, which is shared by all kinds and subjects: the address in IPv4, and in IPv6
    /// the 64 bits that a network gives to one site.
    pub(super) fn address_label(&self) -> Option<Vec<u8>> {
        Some(match self.address?.to_canonical() {
            IpAddr::V4(address) => label(&[b"address", &address.octets()]),
            IpAddr::V6(address) => label(&[b"address", address.octets().first_chunk::<8>()?]),
        })
    }
}

/// The parts one after another; all but the last are of one length or have no slash in them.
fn label(parts: &[&[u8]]) -> Vec<u8> {
    parts.join(&b'/')
}

#[cfg(test)]
mod tests {
    use tenantry_kernel::UserId;
    use uuid::Uuid;

    use super::*;

    fn account() -> GuessSubject<'static> {
        GuessSubject::Account(UserId::from_uuid(Uuid::from_u128(7)))
    }

    fn from(address: &str) -> Option<Vec<u8>> {
        let target = GuessTarget::at(GuessKind::Password, account());
        GuessTarget { address: Some(address.parse().unwrap()), ..target }.address_label()
    }

    #[test]
    fn an_address_is_counted_by_what_one_site_has() {
        assert_eq!(from("192.0.2.1"), from("::ffff:192.0.2.1"));
        assert_ne!(from("192.0.2.1"), from("192.0.2.2"));
        assert_eq!(from("2001:db8:1:2::1"), from("2001:db8:1:2:ffff::9"));
        assert_ne!(from("2001:db8:1:2::1"), from("2001:db8:1:3::1"));
    }

    #[test]
    fn kinds_subjects_and_devices_are_told_apart() {
        let name = LoginIdentifier::new("ada");
        let device = DeviceId::from_uuid(Uuid::from_u128(7));
        let mut labels = Vec::new();
        for kind in GuessKind::ALL {
            labels.push(GuessTarget::at(*kind, account()).subject_label());
            labels.push(GuessTarget::at(*kind, GuessSubject::Name(&name)).subject_label());
            let known = GuessTarget { device: Some(device), ..GuessTarget::at(*kind, account()) };
            labels.push(known.device_label().unwrap());
            let nobodys = GuessTarget { subject: GuessSubject::Name(&name), ..known };
            assert_eq!(nobodys.device_label(), None);
        }
        for (index, label) in labels.iter().enumerate() {
            assert!(!labels[..index].contains(label), "{label:?}");
        }
    }
}
