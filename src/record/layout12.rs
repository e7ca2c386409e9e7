//! Layout of subtype 12 (zERT summary): the self-defining section, the common
//! section and the sections it points at.
//!
//! The common section is packed: its fields are not aligned. Source:
//! `tests/spec/smf119-12.toml` (z/OS V2R3 level); a test holds this file equal
//! to it.

use super::field::section;
use super::layout12_late::{Common12V3r2, Ipsec12V3r2, Tls12V2r4, Tls12V3r2};
use crate::names::smf;

section! {
    /// Self-defining section.
    pub struct SelfDefining12("sds", "Self-defining section", 52) {
        /// Number of triplets that follow: 6 (identification plus S1 to S5).
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
        /// Offset of the zERT summary common section from the start of the record (byte 0 = first
        /// RDW byte). Zero if absent.
        "SMF119S1Off" s1_off: u32 = 12, Binary, zero, None, [];
        /// Length of the zERT summary common section. Zero if absent.
        "SMF119S1Len" s1_len: u16 = 16, Binary, zero, None, [];
        /// Number of zERT summary common sections. Zero if absent.
        "SMF119S1Num" s1_num: u16 = 18, Binary, zero, None, [];
        /// Offset of the TLS protocol attributes section from the start of the record (byte 0 =
        /// first RDW byte). Zero if absent.
        "SMF119S2Off" s2_off: u32 = 20, Binary, zero, None, [];
        /// Length of the TLS protocol attributes section. Zero if absent.
        "SMF119S2Len" s2_len: u16 = 24, Binary, zero, None, [];
        /// Number of TLS protocol attributes sections. Zero if absent.
        "SMF119S2Num" s2_num: u16 = 26, Binary, zero, None, [];
        /// Offset of the SSH protocol attributes section from the start of the record (byte 0 =
        /// first RDW byte). Zero if absent.
        "SMF119S3Off" s3_off: u32 = 28, Binary, zero, None, [];
        /// Length of the SSH protocol attributes section. Zero if absent.
        "SMF119S3Len" s3_len: u16 = 32, Binary, zero, None, [];
        /// Number of SSH protocol attributes sections. Zero if absent.
        "SMF119S3Num" s3_num: u16 = 34, Binary, zero, None, [];
        /// Offset of the IPSec protocol attributes section from the start of the record (byte 0 =
        /// first RDW byte). Zero if absent.
        "SMF119S4Off" s4_off: u32 = 36, Binary, zero, None, [];
        /// Length of the IPSec protocol attributes section. Zero if absent.
        "SMF119S4Len" s4_len: u16 = 40, Binary, zero, None, [];
        /// Number of IPSec protocol attributes sections. Zero if absent.
        "SMF119S4Num" s4_num: u16 = 42, Binary, zero, None, [];
        /// Offset of the certificate distinguished names section from the start of the record (byte
        /// 0 = first RDW byte). Zero if absent.
        "SMF119S5Off" s5_off: u32 = 44, Binary, zero, None, [];
        /// Length of the certificate distinguished names section. Zero if absent.
        "SMF119S5Len" s5_len: u16 = 48, Binary, zero, None, [];
        /// Number of certificate distinguished names sections. Zero if absent.
        "SMF119S5Num" s5_num: u16 = 50, Binary, zero, None, [];
    }
}

section! {
    /// zERT summary common section.
    pub struct Common12("S1", "zERT summary common section", 204, extended by Common12V3r2) {
        /// Length of the recording interval as a 64-bit clock value in which bit 51 is one
        /// microsecond: microseconds shifted left by 12.
        "SMF119SS_SAIntervalDuration" interval_duration: u64 = 0, Binary, zero, None, [];
        /// Interval record or one of two event records.
        "SMF119SS_SAEvent_Type" event_type: u8 = 8, Binary, zero, None, [smf::SS_EVENT_TYPE];
        /// Session flags.
        "SMF119SS_SAFlags" flags: u8 = 9, Flags, zero, None, [smf::SS_FLAGS];
        /// Protocol of this security session; at most one bit.
        "SMF119SS_SASecProtos" sec_protos: u8 = 10, Flags, zero, None, [smf::SS_SEC_PROTOS];
        /// Name of the job that owns the local sockets.
        "SMF119SS_SAJobname" jobname: [u8; 8] = 11, Ebcdic, blank, None, [];
        /// z/OS user ID of the socket owner; *FTPUSR* when FTP data connections are aggregated at
        /// the FTP server.
        "SMF119SS_SAUserID" user_id: [u8; 8] = 19, Ebcdic, blank, None, [smf::SS_USERID_SPECIAL];
        /// IP protocol number.
        "SMF119SS_SAIPProto" ip_proto: u8 = 27, Binary, zero, None, [smf::IP_PROTO];
        /// Server address: 16 bytes IPv6 when the IPv6 flag is on, else IPv4 in bytes 0-3.
        "SMF119SS_SASrvIP" srv_ip: [u8; 16] = 28, Ip, zero, None, [];
        /// Client address, same form.
        "SMF119SS_SACltIP" clt_ip: [u8; 16] = 44, Ip, zero, None, [];
        /// First port of the server port range.
        "SMF119SS_SASrvPortStart" srv_port_start: u16 = 60, Binary, zero, None, [];
        /// Last port of the server port range; equals the first when the session uses one server
        /// port.
        "SMF119SS_SASrvPortEnd" srv_port_end: u16 = 62, Binary, zero, None, [];
        /// Session identifier p-value: p names the protocol, value is derived from the endpoints
        /// and the significant attributes.
        "SMF119SS_SASessionID" session_id: [u8; 42] = 64, Ebcdic, zero, None, [smf::SS_SESSION_LETTER];
        /// Reserved; write zeros, ignore on read.
        "SMF119SS_SA_Rsvd1" rsvd1: [u8; 2] = 106, Reserved, zero, None, [];
        /// Connections in the life of the session, at the beginning of the interval.
        "SMF119SS_SAInitLifeConnCnt" init_life_conn_cnt: u32 = 108, Binary, zero, None, [];
        /// Of those, connections that used the session for only part of their life, at the
        /// beginning of the interval.
        "SMF119SS_SAInitLifePartialConnCnt" init_life_partial_conn_cnt: u32 = 112, Binary, zero, None, [];
        /// Of those, TCP connections shorter than 10 seconds, at the beginning of the interval.
        "SMF119SS_SAInitLifeShortConnCnt" init_life_short_conn_cnt: u32 = 116, Binary, zero, None, [];
        /// Connections active at the beginning of the interval.
        "SMF119SS_SAInitActiveConnCnt" init_active_conn_cnt: u32 = 120, Binary, zero, None, [];
        /// Inbound bytes in the life of the session, at the beginning of the interval.
        "SMF119SS_SAInitLifeInBytes" init_life_in_bytes: u64 = 124, Binary, zero, None, [];
        /// Outbound bytes in the life of the session, at the beginning of the interval.
        "SMF119SS_SAInitLifeOutBytes" init_life_out_bytes: u64 = 132, Binary, zero, None, [];
        /// Inbound segments or datagrams in the life of the session, at the beginning of the
        /// interval.
        "SMF119SS_SAInitLifeInSegDG" init_life_in_seg_dg: u64 = 140, Binary, zero, None, [];
        /// Outbound segments or datagrams in the life of the session, at the beginning of the
        /// interval.
        "SMF119SS_SAInitLifeOutSegDG" init_life_out_seg_dg: u64 = 148, Binary, zero, None, [];
        /// Connections in the life of the session, at the end of the interval.
        "SMF119SS_SAEndLifeConnCnt" end_life_conn_cnt: u32 = 156, Binary, zero, None, [];
        /// Of those, connections that used the session for only part of their life, at the end of
        /// the interval.
        "SMF119SS_SAEndLifePartialConnCnt" end_life_partial_conn_cnt: u32 = 160, Binary, zero, None, [];
        /// Of those, TCP connections shorter than 10 seconds, at the end of the interval.
        "SMF119SS_SAEndLifeShortConnCnt" end_life_short_conn_cnt: u32 = 164, Binary, zero, None, [];
        /// Connections active at the end of the interval.
        "SMF119SS_SAEndActiveConnCnt" end_active_conn_cnt: u32 = 168, Binary, zero, None, [];
        /// Inbound bytes in the life of the session, at the end of the interval.
        "SMF119SS_SAEndLifeInBytes" end_life_in_bytes: u64 = 172, Binary, zero, None, [];
        /// Outbound bytes in the life of the session, at the end of the interval.
        "SMF119SS_SAEndLifeOutBytes" end_life_out_bytes: u64 = 180, Binary, zero, None, [];
        /// Inbound segments or datagrams in the life of the session, at the end of the interval.
        "SMF119SS_SAEndLifeInSegDG" end_life_in_seg_dg: u64 = 188, Binary, zero, None, [];
        /// Outbound segments or datagrams in the life of the session, at the end of the interval.
        "SMF119SS_SAEndLifeOutSegDG" end_life_out_seg_dg: u64 = 196, Binary, zero, None, [];
    }
}

section! {
    /// TLS protocol attributes section.
    pub struct Tls12("S2", "TLS protocol attributes section", 36, extended by Tls12V2r4, Tls12V3r2) {
        /// Where the attributes come from.
        "SMF119SS_TLS_Source" source: u8 = 0, Binary, zero, Significant, [smf::ATTR_SOURCE];
        /// Cryptographic operation flags.
        "SMF119SS_TLS_CryptoFlags" crypto_flags: u8 = 1, Flags, zero, Significant, [smf::TLS_CRYPTO_FLAGS];
        /// Negotiated protocol version.
        "SMF119SS_TLS_Prot_Ver" prot_ver: u16 = 2, Binary, zero, Significant, [smf::TLS_VERSION];
        /// Negotiated cipher suite, form as in subtype 11.
        "SMF119SS_TLS_Neg_Cipher" neg_cipher: [u8; 6] = 4, Ebcdic, blank, Significant, [smf::SSLV2_CIPHER];
        /// Symmetric cipher of the suite.
        "SMF119SS_TLS_CS_Enc_Alg" cs_enc_alg: u16 = 10, Binary, zero, Significant, [smf::ENC_ALG];
        /// Message authentication of the suite.
        "SMF119SS_TLS_CS_Msg_Auth" cs_msg_auth: u16 = 12, Binary, zero, Significant, [smf::MSG_AUTH];
        /// Key exchange of the suite.
        "SMF119SS_TLS_CS_Kex_Alg" cs_kex_alg: u16 = 14, Binary, zero, Significant, [smf::TLS_KEX];
        /// Signature algorithm of the server certificate.
        "SMF119SS_TLS_SCert_Signature_Method" s_cert_signature_method: u16 = 16, Binary, zero, Significant, [smf::SIGNATURE_METHOD];
        /// Encryption half of that signature algorithm.
        "SMF119SS_TLS_SCert_Enc_Method" s_cert_enc_method: u16 = 18, Binary, zero, Significant, [smf::CERT_ENC_METHOD];
        /// Digest half of that signature algorithm.
        "SMF119SS_TLS_SCert_Digest_Alg" s_cert_digest_alg: u16 = 20, Binary, zero, Significant, [smf::DIGEST_ALG];
        /// Public key type of the server certificate.
        "SMF119SS_TLS_SCert_Key_Type" s_cert_key_type: u16 = 22, Binary, zero, Significant, [smf::KEY_TYPE];
        /// Public key length of the server certificate.
        "SMF119SS_TLS_SCert_Key_Len" s_cert_key_len: u16 = 24, Binary, zero, Significant, [];
        /// Signature algorithm of the client certificate.
        "SMF119SS_TLS_CCert_Signature_Method" c_cert_signature_method: u16 = 26, Binary, zero, Significant, [smf::SIGNATURE_METHOD];
        /// Encryption half of that signature algorithm.
        "SMF119SS_TLS_CCert_Enc_Method" c_cert_enc_method: u16 = 28, Binary, zero, Significant, [smf::CERT_ENC_METHOD];
        /// Digest half of that signature algorithm.
        "SMF119SS_TLS_CCert_Digest_Alg" c_cert_digest_alg: u16 = 30, Binary, zero, Significant, [smf::DIGEST_ALG];
        /// Public key type of the client certificate.
        "SMF119SS_TLS_CCert_Key_Type" c_cert_key_type: u16 = 32, Binary, zero, Significant, [smf::KEY_TYPE];
        /// Public key length of the client certificate.
        "SMF119SS_TLS_CCert_Key_Len" c_cert_key_len: u16 = 34, Binary, zero, Significant, [];
    }
}

section! {
    /// SSH protocol attributes section.
    pub struct Ssh12("S3", "SSH protocol attributes section", 46) {
        /// Where the attributes come from.
        "SMF119SS_SSH_Source" source: u8 = 0, Binary, zero, Significant, [smf::ATTR_SOURCE];
        /// Unused byte; name is ours (the source lists one unnamed unused byte here).
        "SMF119SS_SSH_Unused1" unused1: [u8; 1] = 1, Reserved, zero, None, [];
        /// SSH protocol major version; X'00' unknown from 3.2.
        "SMF119SS_SSH_Prot_Ver" prot_ver: u8 = 2, Binary, zero, Significant, [smf::SSH_VERSION];
        /// Encrypt-then-MAC use per direction.
        "SMF119SS_SSH_CryptoFlags" crypto_flags: u8 = 3, Flags, zero, Significant, [smf::SSH_CRYPTO_FLAGS];
        /// First or only user authentication method.
        "SMF119SS_SSH_Auth_Method" auth_method: u16 = 4, Binary, zero, Significant, [smf::SSH_AUTH];
        /// Last of several authentication methods, or 0.
        "SMF119SS_SSH_Auth_Method2" auth_method2: u16 = 6, Binary, zero, Significant, [smf::SSH_AUTH];
        /// Cipher of inbound traffic.
        "SMF119SS_SSH_In_Enc_Alg" in_enc_alg: u16 = 8, Binary, zero, Significant, [smf::ENC_ALG];
        /// Message authentication of inbound traffic.
        "SMF119SS_SSH_In_Msg_Auth" in_msg_auth: u16 = 10, Binary, zero, Significant, [smf::MSG_AUTH];
        /// Key exchange method.
        "SMF119SS_SSH_Kex_Method" kex_method: u16 = 12, Binary, zero, Significant, [smf::SSH_KEX];
        /// Cipher of outbound traffic.
        "SMF119SS_SSH_Out_Enc_Alg" out_enc_alg: u16 = 14, Binary, zero, Significant, [smf::ENC_ALG];
        /// Message authentication of outbound traffic.
        "SMF119SS_SSH_Out_Msg_Auth" out_msg_auth: u16 = 16, Binary, zero, Significant, [smf::MSG_AUTH];
        /// Type of the raw server key.
        "SMF119SS_SSH_SKey_Type" s_key_type: u16 = 18, Binary, zero, Significant, [smf::SSH_KEY_TYPE];
        /// Length of the raw server key in bits.
        "SMF119SS_SSH_SKey_Len" s_key_len: u16 = 20, Binary, zero, Significant, [];
        /// Type of the raw client key.
        "SMF119SS_SSH_CKey_Type" c_key_type: u16 = 22, Binary, zero, Significant, [smf::SSH_KEY_TYPE];
        /// Length of the raw client key in bits.
        "SMF119SS_SSH_CKey_Len" c_key_len: u16 = 24, Binary, zero, Significant, [];
        /// Signature algorithm of the server X.509 certificate.
        "SMF119SS_SSH_SCert_Signature_Method" s_cert_signature_method: u16 = 26, Binary, zero, Significant, [smf::SIGNATURE_METHOD];
        /// Encryption half of that signature algorithm.
        "SMF119SS_SSH_SCert_Enc_Method" s_cert_enc_method: u16 = 28, Binary, zero, Significant, [smf::CERT_ENC_METHOD];
        /// Digest half of that signature algorithm.
        "SMF119SS_SSH_SCert_Digest_Alg" s_cert_digest_alg: u16 = 30, Binary, zero, Significant, [smf::DIGEST_ALG];
        /// Public key type of the server certificate.
        "SMF119SS_SSH_SCert_Key_Type" s_cert_key_type: u16 = 32, Binary, zero, Significant, [smf::KEY_TYPE];
        /// Public key length of the server certificate.
        "SMF119SS_SSH_SCert_Key_Len" s_cert_key_len: u16 = 34, Binary, zero, Significant, [];
        /// Signature algorithm of the client X.509 certificate.
        "SMF119SS_SSH_CCert_Signature_Method" c_cert_signature_method: u16 = 36, Binary, zero, Significant, [smf::SIGNATURE_METHOD];
        /// Encryption half of that signature algorithm.
        "SMF119SS_SSH_CCert_Enc_Method" c_cert_enc_method: u16 = 38, Binary, zero, Significant, [smf::CERT_ENC_METHOD];
        /// Digest half of that signature algorithm.
        "SMF119SS_SSH_CCert_Digest_Alg" c_cert_digest_alg: u16 = 40, Binary, zero, Significant, [smf::DIGEST_ALG];
        /// Public key type of the client certificate.
        "SMF119SS_SSH_CCert_Key_Type" c_cert_key_type: u16 = 42, Binary, zero, Significant, [smf::KEY_TYPE];
        /// Public key length of the client certificate.
        "SMF119SS_SSH_CCert_Key_Len" c_cert_key_len: u16 = 44, Binary, zero, Significant, [];
    }
}

section! {
    /// IPSec protocol attributes section.
    pub struct Ipsec12("S4", "IPSec protocol attributes section", 74, extended by Ipsec12V3r2) {
        /// IKE major version, low 4 bits.
        "SMF119SS_IPSec_IKEMajVer" ike_maj_ver: u8 = 0, Binary, zero, Significant, [];
        /// IKE minor version, low 4 bits.
        "SMF119SS_IPSec_IKEMinVer" ike_min_ver: u8 = 1, Binary, zero, Significant, [];
        /// Local tunnel endpoint, form as in the common section.
        "SMF119SS_IPSec_IKETunLclEndpt" ike_tun_lcl_endpt: [u8; 16] = 2, Ip, zero, Significant, [];
        /// Remote tunnel endpoint.
        "SMF119SS_IPSec_IKETunRmtEndpt" ike_tun_rmt_endpt: [u8; 16] = 18, Ip, zero, Significant, [];
        /// Authentication method of the local endpoint.
        "SMF119SS_IPSec_IKETunLclAuthMeth" ike_tun_lcl_auth_meth: u16 = 34, Binary, zero, Significant, [smf::IKE_AUTH];
        /// Authentication method of the remote endpoint.
        "SMF119SS_IPSec_IKETunRmtAuthMeth" ike_tun_rmt_auth_meth: u16 = 36, Binary, zero, Significant, [smf::IKE_AUTH];
        /// IKE tunnel message authentication.
        "SMF119SS_IPSec_IKETunAuthAlg" ike_tun_auth_alg: u16 = 38, Binary, zero, Significant, [smf::MSG_AUTH];
        /// IKE tunnel cipher.
        "SMF119SS_IPSec_IKETunEncAlg" ike_tun_enc_alg: u16 = 40, Binary, zero, Significant, [smf::ENC_ALG];
        /// Diffie-Hellman group of the IKE tunnel.
        "SMF119SS_IPSec_IKETunDHGroup" ike_tun_dh_group: u16 = 42, Binary, zero, Significant, [smf::DH_GROUP];
        /// Pseudo-random function of the IKE tunnel.
        "SMF119SS_IPSec_IKETunPseudoRandFunc" ike_tun_pseudo_rand_func: u16 = 44, Binary, zero, Significant, [smf::IKE_PRF];
        /// Signature algorithm of the local IKE certificate.
        "SMF119SS_IPSec_LclCert_Sign_Meth" lcl_cert_sign_meth: u16 = 46, Binary, zero, Significant, [smf::SIGNATURE_METHOD];
        /// Encryption half of that signature algorithm.
        "SMF119SS_IPSec_LclCert_Enc_Meth" lcl_cert_enc_meth: u16 = 48, Binary, zero, Significant, [smf::CERT_ENC_METHOD];
        /// Digest half of that signature algorithm.
        "SMF119SS_IPSec_LclCert_Digest_Alg" lcl_cert_digest_alg: u16 = 50, Binary, zero, Significant, [smf::DIGEST_ALG];
        /// Public key type of the local certificate.
        "SMF119SS_IPSec_LclCert_Key_Type" lcl_cert_key_type: u16 = 52, Binary, zero, Significant, [smf::KEY_TYPE];
        /// Public key length of the local certificate in bits.
        "SMF119SS_IPSec_LclCert_Key_Len" lcl_cert_key_len: u16 = 54, Binary, zero, Significant, [];
        /// Signature algorithm of the remote IKE certificate.
        "SMF119SS_IPSec_RmtCert_Sign_Meth" rmt_cert_sign_meth: u16 = 56, Binary, zero, Significant, [smf::SIGNATURE_METHOD];
        /// Encryption half of that signature algorithm.
        "SMF119SS_IPSec_RmtCert_Enc_Meth" rmt_cert_enc_meth: u16 = 58, Binary, zero, Significant, [smf::CERT_ENC_METHOD];
        /// Digest half of that signature algorithm.
        "SMF119SS_IPSec_RmtCert_Digest_Alg" rmt_cert_digest_alg: u16 = 60, Binary, zero, Significant, [smf::DIGEST_ALG];
        /// Public key type of the remote certificate.
        "SMF119SS_IPSec_RmtCert_Key_Type" rmt_cert_key_type: u16 = 62, Binary, zero, Significant, [smf::KEY_TYPE];
        /// Public key length of the remote certificate in bits.
        "SMF119SS_IPSec_RmtCert_Key_Len" rmt_cert_key_len: u16 = 64, Binary, zero, Significant, [];
        /// Diffie-Hellman group for perfect forward secrecy.
        "SMF119SS_IPSec_PFSGroup" pfs_group: u16 = 66, Binary, zero, Significant, [smf::DH_GROUP];
        /// Encapsulation mode.
        "SMF119SS_IPSec_EncapMode" encap_mode: u8 = 68, Binary, zero, Significant, [smf::IPSEC_ENCAP];
        /// Protocol that carries the message authentication.
        "SMF119SS_IPSec_AuthProto" auth_proto: u8 = 69, Binary, zero, Significant, [smf::IPSEC_AUTH_PROTO];
        /// Tunnel message authentication.
        "SMF119SS_IPSec_AuthAlg" auth_alg: u16 = 70, Binary, zero, Significant, [smf::MSG_AUTH];
        /// Tunnel cipher.
        "SMF119SS_IPSec_EncAlg" enc_alg: u16 = 72, Binary, zero, Significant, [smf::ENC_ALG];
    }
}
