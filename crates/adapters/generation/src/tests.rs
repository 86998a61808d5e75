mod asking;
mod hub;
mod support;
