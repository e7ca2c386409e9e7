//! Layout of subtype 11 (zERT connection detail): the self-defining section,
//! the common section and the sections it points at.
//!
//! Source: `tests/spec/smf119-11.toml` (z/OS V2R3 level); a test holds this
//! file equal to it.

use super::field::section;
use crate::names::smf;

section! {
    /// Self-defining section.
    pub struct SelfDefining11("sds", "Self-defining section", 60, extended by SelfDefining11V2r5) {
        /// Number of triplets that follow: 7 at V2R3/V2R4 level (identification plus S1 to S6), 8
        /// from V2R5 on (adds S7).
        "SMF119SD_TRN" trn: u16 = 0, Binary, zero, None, [];
        /// Reserved; write zeros, ignore on read.
        "SMF119SD_rsvd1" rsvd1: [u8; 2] = 2, Reserved, zero, None, [];
        /// Offset of the TCP/IP identification section from the start of the record (byte 0 = first
        /// RDW byte). Zero if absent.
        "SMF119IDOff" id_off: u32 = 4, Binary, zero, None, [];
        /// Length of the TCP/IP identification section. Zero if absent.
        "SMF119IDLen" id_len: u16 = 8, Binary, zero, None, [];
        /// Number of TCP/IP identification sections. Zero if absent.
        "SMF119IDNum" id_num: u16 = 10, Binary, zero, None, [];
        /// Offset of the zERT connection detail common section from the start of the record (byte 0
        /// = first RDW byte). Zero if absent.
        "SMF119S1Off" s1_off: u32 = 12, Binary, zero, None, [];
        /// Length of the zERT connection detail common section. Zero if absent.
        "SMF119S1Len" s1_len: u16 = 16, Binary, zero, None, [];
        /// Number of zERT connection detail common sections. Zero if absent.
        "SMF119S1Num" s1_num: u16 = 18, Binary, zero, None, [];
        /// Offset of the IP filter section from the start of the record (byte 0 = first RDW byte).
        /// Zero if absent.
        "SMF119S2Off" s2_off: u32 = 20, Binary, zero, None, [];
        /// Length of the IP filter section. Zero if absent.
        "SMF119S2Len" s2_len: u16 = 24, Binary, zero, None, [];
        /// Number of IP filter sections. Zero if absent.
        "SMF119S2Num" s2_num: u16 = 26, Binary, zero, None, [];
        /// Offset of the TLS protocol attributes section from the start of the record (byte 0 =
        /// first RDW byte). Zero if absent.
        "SMF119S3Off" s3_off: u32 = 28, Binary, zero, None, [];
        /// Length of the TLS protocol attributes section. Zero if absent.
        "SMF119S3Len" s3_len: u16 = 32, Binary, zero, None, [];
        /// Number of TLS protocol attributes sections. Zero if absent.
        "SMF119S3Num" s3_num: u16 = 34, Binary, zero, None, [];
        /// Offset of the SSH protocol attributes section from the start of the record (byte 0 =
        /// first RDW byte). Zero if absent.
        "SMF119S4Off" s4_off: u32 = 36, Binary, zero, None, [];
        /// Length of the SSH protocol attributes section. Zero if absent.
        "SMF119S4Len" s4_len: u16 = 40, Binary, zero, None, [];
        /// Number of SSH protocol attributes sections. Zero if absent.
        "SMF119S4Num" s4_num: u16 = 42, Binary, zero, None, [];
        /// Offset of the IPSec protocol attributes section from the start of the record (byte 0 =
        /// first RDW byte). Zero if absent.
        "SMF119S5Off" s5_off: u32 = 44, Binary, zero, None, [];
        /// Length of the IPSec protocol attributes section. Zero if absent.
        "SMF119S5Len" s5_len: u16 = 48, Binary, zero, None, [];
        /// Number of IPSec protocol attributes sections. Zero if absent.
        "SMF119S5Num" s5_num: u16 = 50, Binary, zero, None, [];
        /// Offset of the certificate distinguished names section from the start of the record (byte
        /// 0 = first RDW byte). Zero if absent.
        "SMF119S6Off" s6_off: u32 = 52, Binary, zero, None, [];
        /// Length of the certificate distinguished names section. Zero if absent.
        "SMF119S6Len" s6_len: u16 = 56, Binary, zero, None, [];
        /// Number of certificate distinguished names sections. Zero if absent.
        "SMF119S6Num" s6_num: u16 = 58, Binary, zero, None, [];
    }
}

section! {
    /// Self-defining section, as V2R5 extends it.
    pub struct SelfDefining11V2r5("sds", "Self-defining section", 68, from 60 since V2r5) {
        /// Offset of the zERT policy-based enforcement section from the start of the record (byte 0
        /// = first RDW byte). Zero if absent.
        "SMF119S7Off" s7_off: u32 = 60, Binary, zero, None, [];
        /// Length of the zERT policy-based enforcement section. Zero if absent.
        "SMF119S7Len" s7_len: u16 = 64, Binary, zero, None, [];
        /// Number of zERT policy-based enforcement sections. Zero if absent.
        "SMF119S7Num" s7_num: u16 = 66, Binary, zero, None, [];
    }
}

section! {
    /// zERT connection detail common section.
    pub struct Common11("S1", "zERT connection detail common section", 128) {
        /// What the record reports.
        "SMF119SC_SAEvent_Type" event_type: u8 = 0, Binary, zero, None, [smf::SC_EVENT_TYPE];
        /// Recognised protection of this connection, zero or more bits together; zero means no
        /// recognised protection.
        "SMF119SC_SASecProtos" sec_protos: u8 = 1, Flags, zero, Significant, [smf::SEC_PROTOS];
        /// Connection flags.
        "SMF119SC_SAFlags" flags: u8 = 2, Flags, zero, None, [smf::SC_FLAGS];
        /// IP security state of the stack and of this connection.
        "SMF119SC_SASecFlags" sec_flags: u8 = 3, Flags, zero, None, [smf::SC_IPSEC_FLAGS];
        /// IP protocol number.
        "SMF119SC_SAIPProto" ip_proto: u8 = 4, Binary, zero, None, [smf::IP_PROTO];
        /// Reserved; write zeros, ignore on read.
        "SMF119SC_SA_Rsvd1" rsvd1: [u8; 3] = 5, Reserved, zero, None, [];
        /// Name of the job that owns the socket.
        "SMF119SC_SAJobname" jobname: [u8; 8] = 8, Ebcdic, blank, None, [];
        /// JES identifier of that job.
        "SMF119SC_SAJobID" job_id: [u8; 8] = 16, Ebcdic, blank, None, [];
        /// z/OS user ID of the socket owner.
        "SMF119SC_SAUserID" user_id: [u8; 8] = 24, Ebcdic, blank, None, [];
        /// Time of day the connection was established, 1/100 s since midnight UTC.
        "SMF119SC_SASTime" s_time: u32 = 32, Binary, zero, None, [];
        /// Date of establishment, UTC, digits 01yydddF.
        "SMF119SC_SASDate" s_date: u32 = 36, Packed, zero, None, [];
        /// Time of day the connection ended, 1/100 s since midnight UTC; zero unless event type 3
        /// or 4.
        "SMF119SC_SAETime" e_time: u32 = 40, Binary, zero, None, [];
        /// Date the connection ended; set only for event types 3 and 4, otherwise 0.
        "SMF119SC_SAEDate" e_date: u32 = 44, Packed, zero, None, [];
        /// Remote endpoint address: 16 bytes IPv6 when the IPv6 flag is on, else IPv4 in bytes 0-3
        /// and zeros after.
        "SMF119SC_SARIP" rip: [u8; 16] = 48, Ip, zero, None, [];
        /// Local endpoint address, same form.
        "SMF119SC_SALIP" lip: [u8; 16] = 64, Ip, zero, None, [];
        /// Remote port.
        "SMF119SC_SARPort" r_port: u16 = 80, Binary, zero, None, [];
        /// Local port.
        "SMF119SC_SALPort" l_port: u16 = 82, Binary, zero, None, [];
        /// Transport layer connection identifier, unique in the stack at one time.
        "SMF119SC_SAConnID" conn_id: u32 = 84, Binary, zero, None, [];
        /// Bytes received by the local side since the connection started.
        "SMF119SC_SAInBytes" in_bytes: u64 = 88, Binary, zero, None, [];
        /// Bytes sent by the local side since the connection started.
        "SMF119SC_SAOutBytes" out_bytes: u64 = 96, Binary, zero, None, [];
        /// TCP segments or UDP datagrams received since the connection started.
        "SMF119SC_SAInSegDG" in_seg_dg: u64 = 104, Binary, zero, None, [];
        /// TCP segments or UDP datagrams sent since the connection started.
        "SMF119SC_SAOutSegDG" out_seg_dg: u64 = 112, Binary, zero, None, [];
        /// Reserved; write zeros, ignore on read.
        "SMF119SC_SA_Rsvd2" rsvd2: [u8; 8] = 120, Reserved, zero, None, [];
    }
}

section! {
    /// IP filter section.
    pub struct IpFilter("S2", "IP filter section", 100) {
        /// Outbound IP filtering behaviour.
        "SMF119SC_IPFlt_OutAct" out_act: u8 = 0, Binary, zero, Significant, [smf::IPFLT_ACTION];
        /// Inbound IP filtering behaviour.
        "SMF119SC_IPFlt_InbAct" inb_act: u8 = 1, Binary, zero, Significant, [smf::IPFLT_ACTION];
        /// Reserved; write zeros, ignore on read.
        "SMF119SC_IPFlt_Rsvd1" rsvd1: [u8; 2] = 2, Reserved, zero, None, [];
        /// Outbound filter rule name, blank if none.
        "SMF119SC_IPFlt_OutRuleName" out_rule_name: [u8; 40] = 4, Ebcdic, blank, None, [];
        /// Outbound filter rule name extension, blank if none.
        "SMF119SC_IPFlt_OutRuleExt" out_rule_ext: [u8; 8] = 44, Ebcdic, blank, None, [];
        /// Inbound filter rule name, blank if none.
        "SMF119SC_IPFlt_InRuleName" in_rule_name: [u8; 40] = 52, Ebcdic, blank, None, [];
        /// Inbound filter rule name extension, blank if none.
        "SMF119SC_IPFlt_InRuleExt" in_rule_ext: [u8; 8] = 92, Ebcdic, blank, None, [];
    }
}

section! {
    /// TLS protocol attributes section.
    pub struct Tls("S3", "TLS protocol attributes section", 168) {
        /// Negotiated protocol version.
        "SMF119SC_TLS_Prot_Ver" prot_ver: u16 = 0, Binary, zero, Significant, [smf::TLS_VERSION];
        /// Where the attributes come from.
        "SMF119SC_TLS_Source" source: u8 = 2, Binary, zero, Informational, [smf::ATTR_SOURCE];
        /// Kind of handshake.
        "SMF119SC_TLS_Handshake_Type" handshake_type: u8 = 3, Binary, zero, Informational, [smf::TLS_HANDSHAKE_TYPE];
        /// TLS role of the local endpoint (independent of who opened the TCP connection).
        "SMF119SC_TLS_Handshake_Role" handshake_role: u8 = 4, Binary, zero, Informational, [smf::TLS_HANDSHAKE_ROLE];
        /// Reserved; write zeros, ignore on read.
        "SMF119SC_TLS_Rsvd1" rsvd1: [u8; 2] = 5, Reserved, zero, None, [];
        /// Length of the TLS session ID, 0 to 32.
        "SMF119SC_TLS_Session_ID_Len" session_id_len: u8 = 7, Binary, zero, Informational, [];
        /// TLS session ID, left justified, zeros after (padding inferred).
        "SMF119SC_TLS_Session_ID" session_id: [u8; 32] = 8, Bytes, zero, Informational, [];
        /// Name of the provider of the attributes, blank padded.
        "SMF119SC_TLS_Protocol_Provider" protocol_provider: [u8; 16] = 40, Ebcdic, blank, Informational, [smf::TLS_PROVIDER];
        /// Negotiated cipher suite: SSLv3 and later, the 4 hex digits of the IANA code in EBCDIC
        /// (upper case) plus 2 blanks; SSLv2, 6 hex digits.
        "SMF119SC_TLS_Neg_Cipher" neg_cipher: [u8; 6] = 56, Ebcdic, blank, Significant, [smf::SSLV2_CIPHER];
        /// Symmetric cipher of the suite.
        "SMF119SC_TLS_CS_Enc_Alg" cs_enc_alg: u16 = 62, Binary, zero, Significant, [smf::ENC_ALG];
        /// Message authentication of the suite.
        "SMF119SC_TLS_CS_Msg_Auth" cs_msg_auth: u16 = 64, Binary, zero, Significant, [smf::MSG_AUTH];
        /// Key exchange of the suite.
        "SMF119SC_TLS_CS_Kex_Alg" cs_kex_alg: u16 = 66, Binary, zero, Significant, [smf::TLS_KEX];
        /// FIPS 140 mode of the TLS provider.
        "SMF119SC_TLS_FIPS_Mode" fips_mode: u8 = 68, Binary, zero, Informational, [smf::FIPS_MODE];
        /// Cryptographic operation flags.
        "SMF119SC_TLS_CryptoFlags" crypto_flags: u8 = 69, Flags, zero, Significant, [smf::TLS_CRYPTO_FLAGS];
        /// Reserved; write zeros, ignore on read.
        "SMF119SC_TLS_Rsvd2" rsvd2: [u8; 2] = 70, Reserved, zero, None, [];
        /// Signature algorithm of the server certificate.
        "SMF119SC_TLS_SCert_Signature_Method" s_cert_signature_method: u16 = 72, Binary, zero, Significant, [smf::SIGNATURE_METHOD];
        /// Encryption half of the server certificate's signature algorithm.
        "SMF119SC_TLS_SCert_Enc_Method" s_cert_enc_method: u16 = 74, Binary, zero, Significant, [smf::CERT_ENC_METHOD];
        /// Digest half of the server certificate's signature algorithm.
        "SMF119SC_TLS_SCert_Digest_Alg" s_cert_digest_alg: u16 = 76, Binary, zero, Significant, [smf::DIGEST_ALG];
        /// Reserved; write zeros, ignore on read.
        "SMF119SC_TLS_Rsvd3" rsvd3: [u8; 1] = 78, Reserved, zero, None, [];
        /// Length in bytes of the server certificate serial number.
        "SMF119SC_TLS_SCert_Serial_Len" s_cert_serial_len: u8 = 79, Binary, zero, Informational, [];
        /// Server certificate serial number, left justified, zeros after (padding inferred).
        "SMF119SC_TLS_SCert_Serial" s_cert_serial: [u8; 20] = 80, Bytes, zero, Informational, [];
        /// Form of the server certificate's not-after time.
        "SMF119SC_TLS_SCert_Time_Type" s_cert_time_type: u8 = 100, Binary, zero, Informational, [smf::CERT_TIME_TYPE];
        /// Server certificate's not-after time: YYMMDDhhmmssZ in 13 bytes for type 1,
        /// YYYYMMDDhhmmssZ in 15 bytes for type 2.
        "SMF119SC_TLS_SCert_Time" s_cert_time: [u8; 15] = 101, Ebcdic, zero, Informational, [];
        /// Public key type of the server certificate.
        "SMF119SC_TLS_SCert_Key_Type" s_cert_key_type: u16 = 116, Binary, zero, Significant, [smf::KEY_TYPE];
        /// Public key length of the server certificate in bits.
        "SMF119SC_TLS_SCert_Key_Len" s_cert_key_len: u16 = 118, Binary, zero, Significant, [];
        /// Signature algorithm of the client certificate.
        "SMF119SC_TLS_CCert_Signature_Method" c_cert_signature_method: u16 = 120, Binary, zero, Significant, [smf::SIGNATURE_METHOD];
        /// Encryption half of the client certificate's signature algorithm.
        "SMF119SC_TLS_CCert_Enc_Method" c_cert_enc_method: u16 = 122, Binary, zero, Significant, [smf::CERT_ENC_METHOD];
        /// Digest half of the client certificate's signature algorithm.
        "SMF119SC_TLS_CCert_Digest_Alg" c_cert_digest_alg: u16 = 124, Binary, zero, Significant, [smf::DIGEST_ALG];
        /// Reserved; write zeros, ignore on read.
        "SMF119SC_TLS_Rsvd4" rsvd4: [u8; 1] = 126, Reserved, zero, None, [];
        /// Length in bytes of the client certificate serial number.
        "SMF119SC_TLS_CCert_Serial_Len" c_cert_serial_len: u8 = 127, Binary, zero, Informational, [];
        /// Client certificate serial number, left justified, zeros after (padding inferred).
        "SMF119SC_TLS_CCert_Serial" c_cert_serial: [u8; 20] = 128, Bytes, zero, Informational, [];
        /// Form of the client certificate's not-after time.
        "SMF119SC_TLS_CCert_Time_Type" c_cert_time_type: u8 = 148, Binary, zero, Informational, [smf::CERT_TIME_TYPE];
        /// Client certificate's not-after time: YYMMDDhhmmssZ in 13 bytes for type 1,
        /// YYYYMMDDhhmmssZ in 15 bytes for type 2.
        "SMF119SC_TLS_CCert_Time" c_cert_time: [u8; 15] = 149, Ebcdic, zero, Informational, [];
        /// Public key type of the client certificate.
        "SMF119SC_TLS_CCert_Key_Type" c_cert_key_type: u16 = 164, Binary, zero, Significant, [smf::KEY_TYPE];
        /// Public key length of the client certificate in bits.
        "SMF119SC_TLS_CCert_Key_Len" c_cert_key_len: u16 = 166, Binary, zero, Significant, [];
    }
}
