//! The types of values. Borrowed, so that an exchange can be asked without copying it.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use regex::bytes::Regex;

/// A value of a field or of a literal.
#[derive(Debug, Clone, Copy)]
pub enum Value<'a> {
    Bool(bool),
    Int(i128),
    Float(f64),
    Text(&'a str),
    /// Text that is not UTF-8, and hexadecimal literals.
    Bytes(&'a [u8]),
    Ip(IpAddr),
    Cidr(Cidr),
    Mac(Mac),
    Pattern(&'a Regex),
    List(&'a dyn Items),
    /// There, and of no type that can be compared.
    Object,
}

/// The values of a list.
pub trait Items: fmt::Debug {
    fn len(&self) -> usize;

    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The value at `index`, which is below `len`.
    fn item(&self, index: usize) -> Value<'_>;
}

impl Items for Vec<String> {
    fn len(&self) -> usize {
        Self::len(self)
    }

    fn item(&self, index: usize) -> Value<'_> {
        Value::Text(self.get(index).map_or("", String::as_str))
    }
}

impl Value<'_> {
    /// What a value says when it stands alone: everything but zero, `false` and what is empty is true.
    pub(super) fn truth(&self) -> bool {
        match self {
            Self::Bool(value) => *value,
            Self::Int(value) => *value != 0,
            Self::Float(value) => *value != 0.0,
            Self::Text(value) => !value.is_empty(),
            Self::Bytes(value) => !value.is_empty(),
            Self::List(items) => !items.is_empty(),
            Self::Ip(_) | Self::Cidr(_) | Self::Mac(_) | Self::Pattern(_) | Self::Object => true,
        }
    }
}

/// An address without the detour by IPv6 that IPv4 can take.
pub(super) fn parse_ip(text: &str) -> Option<IpAddr> {
    text.parse().ok().map(|address: IpAddr| address.to_canonical())
}

/// A range of addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cidr {
    network: IpAddr,
    prefix: u8,
}

impl Cidr {
    /// `10.0.0.0/8`; the bits that the prefix leaves open are dropped.
    pub fn parse(text: &str) -> Option<Self> {
        let (address, digits) = text.split_once('/')?;
        if digits.is_empty() || digits.len() > 3 || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
            return None;
        }
        let address: IpAddr = address.parse().ok()?;
        let prefix: u8 = digits.parse().ok()?;
        match address {
            IpAddr::V4(_) if prefix > 32 => None,
            IpAddr::V6(_) if prefix > 128 => None,
            IpAddr::V6(v6) if prefix >= 96 && v6.to_ipv4_mapped().is_some() => {
                Some(Self { network: mask(address.to_canonical(), prefix - 96), prefix: prefix - 96 })
            }
            address => Some(Self { network: mask(address, prefix), prefix }),
        }
    }

    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        address.is_ipv4() == self.network.is_ipv4() && mask(address, self.prefix) == self.network
    }
}

fn mask(address: IpAddr, prefix: u8) -> IpAddr {
    match address {
        IpAddr::V4(v4) => {
            let open = u32::MAX.checked_shr(prefix.into()).unwrap_or(0);
            Ipv4Addr::from_bits(v4.to_bits() & !open).into()
        }
        IpAddr::V6(v6) => {
            let open = u128::MAX.checked_shr(prefix.into()).unwrap_or(0);
            Ipv6Addr::from_bits(v6.to_bits() & !open).into()
        }
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.network, self.prefix)
    }
}

/// A hardware address of 6 or 8 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mac {
    bytes: [u8; 8],
    length: u8,
}

impl Mac {
    /// `01:23:45:67:89:ab`, or eight such pairs.
    pub fn parse(text: &str) -> Option<Self> {
        let mut mac = Self { bytes: [0; 8], length: 0 };
        for pair in text.split(':') {
            if pair.len() != 2 || !pair.bytes().all(|digit| digit.is_ascii_hexdigit()) {
                return None;
            }
            *mac.bytes.get_mut(usize::from(mac.length))? = u8::from_str_radix(pair, 16).ok()?;
            mac.length += 1;
        }
        matches!(mac.length, 6 | 8).then_some(mac)
    }

    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.length)).unwrap_or_default()
    }
}

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, byte) in self.as_bytes().iter().enumerate() {
            let colon = if index == 0 { "" } else { ":" };
            write!(f, "{colon}{byte:02x}")?;
        }
        Ok(())
    }
}
