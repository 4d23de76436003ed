//! What the port promises, on one handle and on two; what the file survives is beside it.

mod contract;

mod make;
