"""HL7 version 2 as values: messages, what they say of orders and patients, and the answers to them. Pure."""
