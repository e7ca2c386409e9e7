//! Coded values of SMF 119 subtypes 11 and 12.
//!
//! Source: the record layout tables (`tests/spec/smf119-enums.toml`); a test
//! holds this file equal to them. `=` marks a documented code, `~` one that is
//! recalled and may be corrected by a site. A code that is not listed is
//! written as the table's unknown value and shown with its raw number when it
//! is read.

use super::code_tables;

/// What stands for the cipher suite where a handshake has failed (3.2).
pub const FAILED_CIPHER: &str = "FFFFFF";

code_tables! {
    /// RDW/SDW second halfword.
    SEGMENT_CONTROL("segment_control", "RDW/SDW second halfword", Code, 2, None) {
        "0000" = "complete record, not spanned",
        "0100" = "first segment",
        "0200" = "last segment",
        "0300" = "middle segment",
    }
    /// SMF header system indicator.
    SMF_HEADER_FLAGS("smf_header_flags", "SMF header system indicator", Bits, 1, None) {
        "80" = "new record format / subsystem identification follows system identification",
        "40" = "subtypes used",
        "10" = "MVS/ESA V4 version indicator",
        "08" = "MVS/ESA version indicator",
        "04" = "MVS/XA version indicator",
        "02" = "OS/VS2 version indicator",
        "01" = "running in PR/SM mode",
    }
    /// Record subtypes covered here.
    SMF119_SUBTYPE("smf119_subtype", "Record subtypes covered here", Code, 2, None) {
        "000B" = "zERT connection detail",
        "000C" = "zERT summary",
    }
    /// TCP/IP subcomponent.
    IDENT_COMPONENT("ident_component", "TCP/IP subcomponent", Text, 8, None) {
        "CSSMTP" = "CSSMTP client",
        "FTPC" = "FTP client",
        "FTPD" = "FTP daemon",
        "FTPS" = "FTP server",
        "IDS3270" = "VTAM 3270 intrusion detection",
        "IKE" = "IKE daemon",
        "IP" = "IP layer",
        "SMCD" = "SMC-D",
        "SMCR" = "SMC-R",
        "STACK" = "whole TCP/IP stack",
        "TCP" = "TCP layer",
        "TN3270C" = "TN3270 client",
        "TN3270S" = "TN3270 server",
        "UDP" = "UDP layer",
    }
    /// Reason for writing the record.
    IDENT_REASON("ident_reason", "Reason for writing the record", Code, 1, None) {
        "08" = "event record, last or only",
        "48" = "event record, more records follow",
        "80" = "interval record, last in set",
        "C0" = "interval record, more records follow",
        "20" = "end of statistics, last in set",
        "60" = "end of statistics, more records follow",
        "10" = "shutdown starts, last in set",
        "50" = "shutdown starts, more records follow",
    }
    /// Subtype 11 event type.
    SC_EVENT_TYPE("sc_event_type", "Subtype 11 event type", Code, 1, None) {
        "01" = "connection initiation",
        "02" = "change of cryptographic attributes",
        "03" = "connection termination",
        "04" = "short connection termination (ended within 10 seconds, no initiation record)",
        "05" = "zERT enabled",
        "06" = "zERT disabled",
        "07" = "zERT policy-based enforcement (V2R5)",
    }
    /// Subtype 11 security protocols.
    SEC_PROTOS("sec_protos", "Subtype 11 security protocols", Bits, 1, None) {
        "80" = "TLS/SSL",
        "40" = "SSH",
        "20" = "IPSec",
    }
    /// Subtype 11 connection flags.
    SC_FLAGS("sc_flags", "Subtype 11 connection flags", Bits, 1, None) {
        "80" = "IPv6 connection",
        "40" = "AT-TLS data protection bypassed for an intra-host connection",
        "20" = "connection reset by policy-based enforcement (event types 3 and 4 only)",
        "10" = "local socket is the server (TCP only; new in 3.2)",
        "08" = "local socket is the client (TCP only; new in 3.2)",
    }
    /// Subtype 11 IP security flags.
    SC_IPSEC_FLAGS("sc_ipsec_flags", "Subtype 11 IP security flags", Bits, 1, None) {
        "80" = "IP security enabled",
        "40" = "IPv6 security enabled",
        "20" = "IP filtering done for the connection",
    }
    /// IP protocol.
    IP_PROTO("ip_proto", "IP protocol", Code, 1, None) {
        "06" = "TCP",
        "11" = "UDP (Enterprise Extender)",
    }
    /// IP filter behaviour.
    IPFLT_ACTION("ipflt_action", "IP filter behaviour", Code, 1, None) {
        "00" = "no associated filter rule",
        "01" = "permitted in the clear",
        "02" = "permitted with IPSec",
        "03" = "denied",
    }
    /// TLS/SSL version.
    TLS_VERSION("tls_version", "TLS/SSL version", Code, 2, Some("0000")) {
        "0000" = "Unknown",
        "0200" = "SSLv2",
        "0300" = "SSLv3",
        "0301" = "TLSv1.0",
        "0302" = "TLSv1.1",
        "0303" = "TLSv1.2",
        "0304" ~ "TLSv1.3",
    }
    /// Source of the attributes.
    ATTR_SOURCE("attr_source", "Source of the attributes", Code, 1, None) {
        "01" = "stream observation",
        "02" = "cryptographic protocol provider",
    }
    /// TLS handshake type.
    TLS_HANDSHAKE_TYPE("tls_handshake_type", "TLS handshake type", Code, 1, None) {
        "01" = "full",
        "02" = "abbreviated",
        "03" = "failed (3.2): all fields of the section zero or blank except Source, Protocol_Provider and Neg_Cipher",
    }
    /// Local TLS role.
    TLS_HANDSHAKE_ROLE("tls_handshake_role", "Local TLS role", Code, 1, Some("00")) {
        "00" = "unknown",
        "01" = "client",
        "02" = "server",
        "03" = "server with client authentication",
    }
    /// TLS attribute provider.
    TLS_PROVIDER("tls_provider", "TLS attribute provider", Text, 16, None) {
        "Observation" = "observed by the stack (Source 01)",
        "IBM System SSL" = "System SSL, including AT-TLS",
    }
    /// Special values of the negotiated cipher field.
    SSLV2_CIPHER("sslv2_cipher", "Special values of the negotiated cipher field", Text, 6, None) {
        "010080" = "SSLv2 128-bit RC4 with MD5",
        "020080" = "SSLv2 40-bit RC4 with MD5",
        "030080" = "SSLv2 128-bit RC2 with MD5",
        "040080" = "SSLv2 40-bit RC2 with MD5",
        "050080" = "SSLv2 128-bit IDEA with MD5",
        "060040" = "SSLv2 DES with MD5",
        "0700C0" = "SSLv2 3DES with MD5",
        "FFFFFF" = "unknown TLS version, failed handshake (3.2)",
    }
    /// Symmetric encryption algorithm (TLS, SSH, IKE, IPSec).
    ENC_ALG("enc_alg", "Symmetric encryption algorithm (TLS, SSH, IKE, IPSec)", Code, 2, Some("0000")) {
        "0000" = "Unknown",
        "0001" = "None",
        "0002" = "DES",
        "0003" = "DES 40",
        "0004" = "3DES",
        "0005" = "RC2 40",
        "0006" = "RC2 128",
        "0007" = "RC2",
        "0008" = "RC4 40",
        "0009" = "RC4 128",
        "000A" = "RC4 256",
        "000B" ~ "RC4",
        "000C" ~ "AES CBC 128",
        "000D" ~ "AES CBC 192",
        "000E" ~ "AES CBC 256",
        "000F" ~ "AES CTR 128",
        "0010" ~ "AES CTR 192",
        "0011" ~ "AES CTR 256",
        "0012" ~ "AES GCM 128",
        "0013" ~ "AES GCM 256",
        "0014" ~ "AES CCM 128",
        "0015" ~ "AES CCM 256",
        "0016" ~ "AES CCM8 128",
        "0017" ~ "AES CCM8 256",
        "0018" ~ "AES 256",
        "0019" ~ "Blowfish",
        "001A" ~ "Blowfish CBC",
        "001B" ~ "CAST 128 CBC",
        "001C" ~ "ARCFOUR 128",
        "001D" ~ "ARCFOUR 256",
        "001E" ~ "ARCFOUR",
        "001F" ~ "Rijndael CBC",
        "0020" ~ "ACSS",
        "0021" ~ "ARIA 128 CBC",
        "0022" ~ "ARIA 256 CBC",
        "0023" ~ "ARIA 128 GCM",
        "0024" ~ "ARIA 256 GCM",
        "0025" ~ "Camellia 128 CBC",
        "0026" ~ "Camellia 256 CBC",
        "0027" ~ "Camellia 128 GCM",
        "0028" ~ "Camellia 256 GCM",
        "0029" ~ "ChaCha20 Poly1305",
        "002A" ~ "IDEA CBC",
        "002B" ~ "SEED CBC",
        "002C" ~ "Fortezza",
        "002D" ~ "GOST28147",
        "002E" ~ "TwoFish CBC 256",
        "002F" ~ "TwoFish CBC",
        "0030" ~ "TwoFish CBC 192",
        "0031" ~ "TwoFish CBC 128",
        "0032" ~ "Serpent CBC 256",
        "0033" ~ "Serpent CBC 192",
        "0034" ~ "Serpent CBC 128",
    }
    /// Message authentication algorithm (TLS, SSH, IKE, IPSec).
    MSG_AUTH("msg_auth", "Message authentication algorithm (TLS, SSH, IKE, IPSec)", Code, 2, Some("0000")) {
        "0000" = "Unknown",
        "0001" = "no message authentication, or AEAD cipher",
        "0002" = "MD2",
        "0003" = "HMAC-MD5",
        "0004" = "HMAC-SHA1",
        "0005" ~ "HMAC-SHA2-224",
        "0006" ~ "HMAC-SHA2-256",
        "0007" ~ "HMAC-SHA2-384",
        "0008" ~ "HMAC-SHA2-512",
        "0009" ~ "AES-GMAC-128",
        "000A" ~ "AES-GMAC-256",
        "000B" ~ "AES-128-XCBC-96",
        "000C" ~ "HMAC-SHA2-256-128",
        "000D" ~ "HMAC-SHA2-384-192",
        "000E" ~ "HMAC-SHA2-512-256",
        "000F" ~ "HMAC-MD5-96",
        "0010" ~ "HMAC-SHA1-96",
        "0011" ~ "UMAC-64",
        "0012" ~ "UMAC-128",
        "0013" ~ "RIPEMD-160",
    }
    /// TLS key exchange algorithm of the cipher suite.
    TLS_KEX("tls_kex", "TLS key exchange algorithm of the cipher suite", Code, 2, Some("0000")) {
        "0000" = "Unknown",
        "0001" = "None",
        "0002" = "RSA",
        "0003" = "RSA_EXPORT",
        "0004" = "RSA_PSK",
        "0005" = "DH_RSA",
        "0006" = "DH_RSA_EXPORT",
        "0007" = "DH_DSS",
        "0008" = "DH_ANON",
        "0009" = "DH_ANON_EXPORT",
        "000A" ~ "DH_DSS_EXPORT",
        "000B" ~ "DHE_RSA",
        "000C" ~ "DHE_RSA_EXPORT",
        "000D" ~ "DHE_DSS",
        "000E" ~ "DHE_DSS_EXPORT",
        "000F" ~ "DHE_PSK",
        "0010" ~ "ECDH_ECDSA",
        "0011" ~ "ECDH_RSA",
        "0012" ~ "ECDH_ANON",
        "0013" ~ "ECDHE_ECDSA",
        "0014" ~ "ECDHE_RSA",
        "0015" ~ "ECDHE_PSK",
        "0016" ~ "KRB5",
        "0017" ~ "KRB5_EXPORT",
        "0018" ~ "PSK",
        "0019" ~ "SRP_SHA_RSA",
        "001A" ~ "SRP_SHA_DSS",
        "001B" ~ "SRP_SHA",
    }
    /// FIPS 140 mode.
    FIPS_MODE("fips_mode", "FIPS 140 mode", Code, 1, Some("00")) {
        "00" = "not in FIPS mode",
        "01" = "on, 80-bit strength enforced",
        "02" = "on, level 1 (same as 01)",
        "03" = "on, level 2 (112-bit ...)",
        "04" ~ "on, level 3 (112-bit strength enforced)",
    }
    /// TLS crypto flags.
    TLS_CRYPTO_FLAGS("tls_crypto_flags", "TLS crypto flags", Bits, 1, None) {
        "80" = "encrypt-then-MAC used",
    }
    /// Certificate signature method.
    SIGNATURE_METHOD("signature_method", "Certificate signature method", Code, 2, Some("0000")) {
        "0000" = "Unknown",
        "0001" = "None",
        "0002" = "RSA with MD2",
        "0003" = "RSA with MD5",
        "0004" = "RSA with SHA1",
        "0005" = "DSA with SHA1",
        "0006" = "RSA with SHA-224",
        "0007" = "RSA with SHA-256",
        "0008" = "RSA with SHA-384",
        "0009" ~ "RSA with SHA-512",
        "000A" ~ "ECDSA with SHA1",
        "000B" ~ "ECDSA with SHA-224",
        "000C" ~ "ECDSA with SHA-256",
        "000D" ~ "ECDSA with SHA-384",
        "000E" ~ "ECDSA with SHA-512",
        "000F" ~ "DSA with SHA-224",
        "0010" ~ "DSA with SHA-256",
    }
    /// Encryption half of the signature method.
    CERT_ENC_METHOD("cert_enc_method", "Encryption half of the signature method", Code, 2, Some("0000")) {
        "0000" = "Unknown",
        "0001" = "None",
        "0002" = "RSA",
        "0003" = "DSA",
        "0004" = "ECDSA",
    }
    /// Digest half of the signature method.
    DIGEST_ALG("digest_alg", "Digest half of the signature method", Code, 2, Some("0000")) {
        "0000" = "Unknown",
        "0001" = "None",
        "0002" = "MD2",
        "0003" = "MD5",
        "0004" = "SHA1",
        "0005" = "SHA-224",
        "0006" = "SHA-256",
        "0007" = "SHA-384",
        "0008" = "SHA-512",
    }
    /// Form of a not-after time.
    CERT_TIME_TYPE("cert_time_type", "Form of a not-after time", Code, 1, Some("00")) {
        "00" = "unused (manual tunnel)",
        "01" = "UTCTime, 13 characters",
        "02" = "GeneralizedTime, 15 characters",
    }
    /// Certificate public key type.
    KEY_TYPE("key_type", "Certificate public key type", Code, 2, Some("0000")) {
        "0000" = "Unknown",
        "0001" = "None",
        "0002" = "RSA",
        "0003" = "DSA",
        "0004" = "Diffie-Hellman",
        "0005" = "ECC",
    }
    /// SSH protocol version.
    SSH_VERSION("ssh_version", "SSH protocol version", Code, 1, Some("00")) {
        "00" = "unknown (3.2)",
        "01" = "version 1",
        "02" = "version 2",
    }
    /// SSH crypto flags.
    SSH_CRYPTO_FLAGS("ssh_crypto_flags", "SSH crypto flags", Bits, 1, None) {
        "80" = "encrypt-then-MAC inbound",
        "40" = "encrypt-then-MAC outbound",
    }
    /// SSH section flags (3.2).
    SSH_FLAGS("ssh_flags", "SSH section flags (3.2)", Bits, 1, None) {
        "80" = "failed handshake: all fields of the section zero or blank except Source and Protocol_Provider",
    }
    /// z/OS OpenSSH subcomponent.
    SSH_COMPONENT("ssh_component", "z/OS OpenSSH subcomponent", Text, 8, None) {
        "SFTPS" = "sftp server",
        "SFTPC" = "sftp client",
        "SCPS" = "scp server",
        "SCPC" = "scp client",
        "SSH" = "ssh client",
        "SSHD" = "sshd daemon",
    }
    /// SSH attribute provider.
    SSH_PROVIDER("ssh_provider", "SSH attribute provider", Text, 16, None) {
        "Observation" = "observed by the stack (Source 01)",
        "IBM OpenSSH" = "z/OS OpenSSH",
    }
    /// SSH authentication method.
    SSH_AUTH("ssh_auth", "SSH authentication method", Code, 2, Some("0000")) {
        "0000" = "Unknown",
        "0001" = "None",
        "0002" = "Password",
        "0003" = "Public key",
        "0004" = "Host-based",
        "0005" = "Rhosts",
        "0006" = "RhostsRSA",
        "0007" = "RSA",
        "0008" = "Keyboard-interactive",
        "0009" ~ "Challenge-response",
        "000A" ~ "Control socket",
        "000B" ~ "GSSAPI with MIC",
        "000C" ~ "GSSAPI key exchange",
    }
    /// SSH key exchange method.
    SSH_KEX("ssh_kex", "SSH key exchange method", Code, 2, Some("0000")) {
        "0000" = "Unknown",
        "0001" = "None",
        "0002" = "Diffie-Hellman-group-exchange-SHA256",
        "0003" = "Diffie-Hellman-group-exchange-SHA1",
        "0004" = "Diffie-Hellman-group14-SHA1",
        "0005" = "Diffie-Hellman-group1-SHA1",
        "0006" = "ECDH-SHA2-NISTP256",
        "0007" ~ "ECDH-SHA2-NISTP384",
        "0008" ~ "ECDH-SHA2-NISTP521",
    }
    /// SSH raw key type.
    SSH_KEY_TYPE("ssh_key_type", "SSH raw key type", Code, 2, Some("0000")) {
        "0000" = "Unknown",
        "0001" = "None",
        "0002" = "RSA",
        "0003" = "DSA",
        "0004" = "Diffie-Hellman",
        "0005" = "ECC",
        "0006" = "RSA1 (SSH version 1)",
        "0007" = "RSA_CERT (OpenSSH certificate)",
        "0008" ~ "DSA_CERT (OpenSSH certificate)",
        "0009" ~ "ECDSA_CERT (OpenSSH certificate)",
    }
    /// IKE authentication method.
    IKE_AUTH("ike_auth", "IKE authentication method", Code, 2, Some("0000")) {
        "0000" = "unknown or manual tunnel",
        "0001" = "none",
        "0002" = "RSA signature",
        "0003" = "pre-shared key",
        "0004" = "ECDSA-256 signature",
        "0005" = "ECDSA-384 signature",
        "0006" = "ECDSA-521 signature",
        "0007" ~ "digital signature",
    }
    /// Diffie-Hellman group.
    DH_GROUP("dh_group", "Diffie-Hellman group", Code, 2, Some("0000")) {
        "0000" = "unknown or manual tunnel",
        "0001" = "group 1",
        "0002" = "group 2",
        "0005" = "group 5",
        "000E" = "group 14",
        "0013" = "group 19",
        "0014" = "group 20",
        "0015" ~ "group 21",
        "0018" ~ "group 24",
    }
    /// IKE pseudo-random function.
    IKE_PRF("ike_prf", "IKE pseudo-random function", Code, 2, Some("0000")) {
        "0000" = "unknown or manual tunnel",
        "0001" = "none",
        "0002" = "HMAC-SHA2-256",
        "0003" = "HMAC-SHA2-384",
        "0004" = "HMAC-SHA2-512",
        "0005" = "AES-128-XCBC",
        "0006" = "HMAC-MD5",
        "0007" ~ "HMAC-SHA1",
    }
    /// IP tunnel flags.
    IPSEC_TUN_FLAGS("ipsec_tun_flags", "IP tunnel flags", Bits, 1, None) {
        "80" = "IPv6 endpoints",
        "40" = "FIPS 140 mode",
    }
    /// IPSec tunnel type.
    IPSEC_TUN_TYPE("ipsec_tun_type", "IPSec tunnel type", Code, 1, None) {
        "01" = "manual",
        "02" = "dynamic",
        "03" = "shadow",
    }
    /// IPSec tunnel state.
    IPSEC_TUN_STATE("ipsec_tun_state", "IPSec tunnel state", Code, 1, None) {
        "01" = "active (manual or dynamic)",
        "02" = "manual tunnel inactive",
    }
    /// Encapsulation mode.
    IPSEC_ENCAP("ipsec_encap", "Encapsulation mode", Code, 1, None) {
        "01" = "tunnel",
        "02" = "transport",
    }
    /// Message authentication protocol.
    IPSEC_AUTH_PROTO("ipsec_auth_proto", "Message authentication protocol", Code, 1, None) {
        "32" = "ESP",
        "33" = "AH",
    }
    /// Distinguished name type.
    DN_TYPE("dn_type", "Distinguished name type", Code, 2, None) {
        "0001" = "IPSec local certificate subject",
        "0002" = "IPSec local certificate issuer",
        "0003" = "IPSec remote certificate subject",
        "0004" = "IPSec remote certificate issuer",
        "0005" = "TLS server certificate subject",
        "0006" = "TLS server certificate issuer",
        "0007" = "TLS client certificate subject",
        "0008" = "TLS client certificate issuer",
        "0009" = "SSH server certificate subject",
        "000A" = "SSH server certificate issuer",
        "000B" = "SSH client certificate subject",
        "000C" = "SSH client certificate issuer",
    }
    /// Subtype 12 event type.
    SS_EVENT_TYPE("ss_event_type", "Subtype 12 event type", Code, 1, None) {
        "01" = "summary interval record",
        "02" = "aggregation enabled",
        "03" = "aggregation disabled",
    }
    /// Subtype 12 session flags.
    SS_FLAGS("ss_flags", "Subtype 12 session flags", Bits, 1, None) {
        "80" = "IPv6 session",
        "40" = "local socket is the server (TCP only)",
        "20" = "local socket is the client (TCP only)",
    }
    /// Subtype 12 security protocol (at most one).
    SS_SEC_PROTOS("ss_sec_protos", "Subtype 12 security protocol (at most one)", Bits, 1, None) {
        "80" = "TLS/SSL",
        "40" = "SSH",
        "20" = "IPSec",
    }
    /// Special user ID values.
    SS_USERID_SPECIAL("ss_userid_special", "Special user ID values", Text, 8, None) {
        "*FTPUSR*" = "FTP data connections aggregated at the FTP server",
    }
    /// First character of the session identifier.
    SS_SESSION_LETTER("ss_session_letter", "First character of the session identifier", Text, 1, None) {
        "T" ~ "TLS/SSL",
        "S" ~ "SSH",
        "I" ~ "IPSec",
        "C" ~ "no recognised protection (clear)",
    }
}
