//! People.

mod erase_person;
