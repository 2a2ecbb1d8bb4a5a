//! Diagrams as text.
