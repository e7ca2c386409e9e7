//! From names on the wire to SMF codes.
//!
//! Source: the `wire` tables of `tests/spec/smf119-enums.toml`; a test holds
//! this file equal to them. A name that is not listed has no code: the record
//! gets X'0000' (Unknown) and the name stays in the JSON output.

/// Cipher part of a TLS suite name to `enc_alg`.
pub static TLS_ENC: &[(&str, u16)] = &[
    ("NULL", 0x0001),
    ("RC4_40", 0x0008),
    ("RC4_128", 0x0009),
    ("RC2_CBC_40", 0x0005),
    ("IDEA_CBC", 0x002A),
    ("DES40_CBC", 0x0003),
    ("DES_CBC_40", 0x0003),
    ("DES_CBC", 0x0002),
    ("3DES_EDE_CBC", 0x0004),
    ("AES_128_CBC", 0x000C),
    ("AES_256_CBC", 0x000E),
    ("AES_128_GCM", 0x0012),
    ("AES_256_GCM", 0x0013),
    ("AES_128_CCM", 0x0014),
    ("AES_256_CCM", 0x0015),
    ("AES_128_CCM_8", 0x0016),
    ("AES_256_CCM_8", 0x0017),
    ("CHACHA20_POLY1305", 0x0029),
    ("CAMELLIA_128_CBC", 0x0025),
    ("CAMELLIA_256_CBC", 0x0026),
    ("CAMELLIA_128_GCM", 0x0027),
    ("CAMELLIA_256_GCM", 0x0028),
    ("ARIA_128_CBC", 0x0021),
    ("ARIA_256_CBC", 0x0022),
    ("ARIA_128_GCM", 0x0023),
    ("ARIA_256_GCM", 0x0024),
    ("SEED_CBC", 0x002B),
];

/// Key exchange part of a TLS suite name to `tls_kex`.
pub static TLS_KEX: &[(&str, u16)] = &[
    ("NULL", 0x0001),
    ("RSA", 0x0002),
    ("RSA_EXPORT", 0x0003),
    ("RSA_PSK", 0x0004),
    ("DH_RSA", 0x0005),
    ("DH_RSA_EXPORT", 0x0006),
    ("DH_DSS", 0x0007),
    ("DH_anon", 0x0008),
    ("DH_anon_EXPORT", 0x0009),
    ("DH_DSS_EXPORT", 0x000A),
    ("DHE_RSA", 0x000B),
    ("DHE_RSA_EXPORT", 0x000C),
    ("DHE_DSS", 0x000D),
    ("DHE_DSS_EXPORT", 0x000E),
    ("DHE_PSK", 0x000F),
    ("ECDH_ECDSA", 0x0010),
    ("ECDH_RSA", 0x0011),
    ("ECDH_anon", 0x0012),
    ("ECDHE_ECDSA", 0x0013),
    ("ECDHE_RSA", 0x0014),
    ("ECDHE_PSK", 0x0015),
    ("KRB5", 0x0016),
    ("KRB5_EXPORT", 0x0017),
    ("PSK", 0x0018),
    ("SRP_SHA_RSA", 0x0019),
    ("SRP_SHA_DSS", 0x001A),
    ("SRP_SHA", 0x001B),
];

/// MAC part of a TLS suite name to `msg_auth`.
pub static TLS_MAC: &[(&str, u16)] =
    &[("NULL", 0x0001), ("MD5", 0x0003), ("SHA", 0x0004), ("SHA256", 0x0006), ("SHA384", 0x0007)];

/// SSH cipher name to `enc_alg`.
pub static SSH_CIPHER: &[(&str, u16)] = &[
    ("none", 0x0001),
    ("3des-cbc", 0x0004),
    ("blowfish-cbc", 0x001A),
    ("cast128-cbc", 0x001B),
    ("arcfour", 0x001E),
    ("arcfour128", 0x001C),
    ("arcfour256", 0x001D),
    ("aes128-cbc", 0x000C),
    ("aes192-cbc", 0x000D),
    ("aes256-cbc", 0x000E),
    ("rijndael-cbc@lysator.liu.se", 0x001F),
    ("aes128-ctr", 0x000F),
    ("aes192-ctr", 0x0010),
    ("aes256-ctr", 0x0011),
    ("aes128-gcm@openssh.com", 0x0012),
    ("aes256-gcm@openssh.com", 0x0013),
    ("chacha20-poly1305@openssh.com", 0x0029),
    ("idea-cbc", 0x002A),
    ("twofish256-cbc", 0x002E),
    ("twofish-cbc", 0x002F),
    ("twofish192-cbc", 0x0030),
    ("twofish128-cbc", 0x0031),
    ("serpent256-cbc", 0x0032),
    ("serpent192-cbc", 0x0033),
    ("serpent128-cbc", 0x0034),
];

/// SSH MAC name, without `-etm` and domain, to `msg_auth`.
pub static SSH_MAC: &[(&str, u16)] = &[
    ("none", 0x0001),
    ("hmac-md5", 0x0003),
    ("hmac-md5-96", 0x000F),
    ("hmac-sha1", 0x0004),
    ("hmac-sha1-96", 0x0010),
    ("hmac-sha2-256", 0x0006),
    ("hmac-sha2-512", 0x0008),
    ("umac-64", 0x0011),
    ("umac-128", 0x0012),
    ("hmac-ripemd160", 0x0013),
];

/// SSH key exchange name to `ssh_kex`.
pub static SSH_KEX: &[(&str, u16)] = &[
    ("diffie-hellman-group-exchange-sha256", 0x0002),
    ("diffie-hellman-group-exchange-sha1", 0x0003),
    ("diffie-hellman-group14-sha1", 0x0004),
    ("diffie-hellman-group1-sha1", 0x0005),
    ("ecdh-sha2-nistp256", 0x0006),
    ("ecdh-sha2-nistp384", 0x0007),
    ("ecdh-sha2-nistp521", 0x0008),
];

/// SSH host key blob type to `ssh_key_type`.
pub static SSH_HOST_KEY: &[(&str, u16)] = &[
    ("ssh-rsa", 0x0002),
    ("ssh-dss", 0x0003),
    ("ecdsa-sha2-nistp256", 0x0005),
    ("ecdsa-sha2-nistp384", 0x0005),
    ("ecdsa-sha2-nistp521", 0x0005),
    ("ssh-rsa-cert-v01@openssh.com", 0x0007),
    ("ssh-dss-cert-v01@openssh.com", 0x0008),
    ("ecdsa-sha2-nistp256-cert-v01@openssh.com", 0x0009),
    ("ecdsa-sha2-nistp384-cert-v01@openssh.com", 0x0009),
    ("ecdsa-sha2-nistp521-cert-v01@openssh.com", 0x0009),
];

/// X.509 signatureAlgorithm OID to (`signature_method`, `cert_enc_method`, `digest_alg`).
pub static X509_SIGNATURE: &[(&str, (u16, u16, u16))] = &[
    ("1.2.840.113549.1.1.2", (0x0002, 0x0002, 0x0002)),
    ("1.2.840.113549.1.1.4", (0x0003, 0x0002, 0x0003)),
    ("1.2.840.113549.1.1.5", (0x0004, 0x0002, 0x0004)),
    ("1.2.840.10040.4.3", (0x0005, 0x0003, 0x0004)),
    ("1.2.840.113549.1.1.14", (0x0006, 0x0002, 0x0005)),
    ("1.2.840.113549.1.1.11", (0x0007, 0x0002, 0x0006)),
    ("1.2.840.113549.1.1.12", (0x0008, 0x0002, 0x0007)),
    ("1.2.840.113549.1.1.13", (0x0009, 0x0002, 0x0008)),
    ("1.2.840.10045.4.1", (0x000A, 0x0004, 0x0004)),
    ("1.2.840.10045.4.3.1", (0x000B, 0x0004, 0x0005)),
    ("1.2.840.10045.4.3.2", (0x000C, 0x0004, 0x0006)),
    ("1.2.840.10045.4.3.3", (0x000D, 0x0004, 0x0007)),
    ("1.2.840.10045.4.3.4", (0x000E, 0x0004, 0x0008)),
    ("2.16.840.1.101.3.4.3.1", (0x000F, 0x0003, 0x0005)),
    ("2.16.840.1.101.3.4.3.2", (0x0010, 0x0003, 0x0006)),
    ("1.2.840.113549.1.1.10", (0x0000, 0x0002, 0x0000)),
    ("1.3.101.112", (0x0000, 0x0000, 0x0000)),
    ("1.3.101.113", (0x0000, 0x0000, 0x0000)),
];

/// X.509 subjectPublicKey algorithm OID to `key_type`.
pub static X509_KEY: &[(&str, u16)] = &[
    ("1.2.840.113549.1.1.1", 0x0002),
    ("1.2.840.113549.1.1.10", 0x0002),
    ("1.2.840.10040.4.1", 0x0003),
    ("1.2.840.10046.2.1", 0x0004),
    ("1.2.840.10045.2.1", 0x0005),
];
