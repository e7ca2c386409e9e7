//! Layout of the SSH and IPSec sections of subtype 11.
//!
//! Source: `tests/spec/smf119-11.toml` (z/OS V2R3 level); a test holds this
//! file equal to it.

use super::field::section;
use crate::names::smf;

section! {
    /// SSH protocol attributes section.
    pub struct Ssh("S4", "SSH protocol attributes section", 284, extended by SshV3r2) {
        /// SSH protocol major version.
        "SMF119SC_SSH_Prot_Ver" prot_ver: u8 = 0, Binary, zero, Significant, [smf::SSH_VERSION];
        /// Where the attributes come from.
        "SMF119SC_SSH_Source" source: u8 = 1, Binary, zero, Informational, [smf::ATTR_SOURCE];
        /// FIPS 140 mode of the SSH provider.
        "SMF119SC_SSH_FIPS_Mode" fips_mode: u8 = 2, Binary, zero, Informational, [smf::FIPS_MODE];
        /// Encrypt-then-MAC use per direction.
        "SMF119SC_SSH_CryptoFlags" crypto_flags: u8 = 3, Flags, zero, Significant, [smf::SSH_CRYPTO_FLAGS];
        /// Reserved; write zeros, ignore on read.
        "SMF119SC_SSH_Rsvd1" rsvd1: [u8; 4] = 4, Reserved, zero, None, [];
        /// SSH subcomponent of z/OS OpenSSH, blank padded.
        "SMF119SC_SSH_Comp" comp: [u8; 8] = 8, Ebcdic, blank, Informational, [smf::SSH_COMPONENT];
        /// Name of the provider of the attributes, blank padded.
        "SMF119SC_SSH_Protocol_Provider" protocol_provider: [u8; 16] = 16, Ebcdic, blank, Informational, [smf::SSH_PROVIDER];
        /// First or only user authentication method.
        "SMF119SC_SSH_Auth_Method" auth_method: u16 = 32, Binary, zero, Significant, [smf::SSH_AUTH];
        /// Last of several authentication methods, or 0.
        "SMF119SC_SSH_Auth_Method2" auth_method2: u16 = 34, Binary, zero, Significant, [smf::SSH_AUTH];
        /// Cipher of inbound traffic.
        "SMF119SC_SSH_In_Enc_Alg" in_enc_alg: u16 = 36, Binary, zero, Significant, [smf::ENC_ALG];
        /// Message authentication of inbound traffic.
        "SMF119SC_SSH_In_Msg_Auth" in_msg_auth: u16 = 38, Binary, zero, Significant, [smf::MSG_AUTH];
        /// Key exchange method.
        "SMF119SC_SSH_Kex_Method" kex_method: u16 = 40, Binary, zero, Significant, [smf::SSH_KEX];
        /// Cipher of outbound traffic.
        "SMF119SC_SSH_Out_Enc_Alg" out_enc_alg: u16 = 42, Binary, zero, Significant, [smf::ENC_ALG];
        /// Message authentication of outbound traffic.
        "SMF119SC_SSH_Out_Msg_Auth" out_msg_auth: u16 = 44, Binary, zero, Significant, [smf::MSG_AUTH];
        /// Reserved; write zeros, ignore on read.
        "SMF119SC_SSH_Rsvd2" rsvd2: [u8; 2] = 46, Reserved, zero, None, [];
        /// Type of the raw server (host) key.
        "SMF119SC_SSH_SKey_Type" s_key_type: u16 = 48, Binary, zero, Significant, [smf::SSH_KEY_TYPE];
        /// Length of the raw server key in bits.
        "SMF119SC_SSH_SKey_Len" s_key_len: u16 = 50, Binary, zero, Significant, [];
        /// Type of the raw client (user) key.
        "SMF119SC_SSH_CKey_Type" c_key_type: u16 = 52, Binary, zero, Significant, [smf::SSH_KEY_TYPE];
        /// Length of the raw client key in bits.
        "SMF119SC_SSH_CKey_Len" c_key_len: u16 = 54, Binary, zero, Significant, [];
        /// Length in bytes of the server key fingerprint, 0 if none.
        "SMF119SC_SSH_SKey_FPLen" s_key_fp_len: u16 = 56, Binary, zero, Informational, [];
        /// Length in bytes of the client key fingerprint, 0 if none.
        "SMF119SC_SSH_CKey_FPLen" c_key_fp_len: u16 = 58, Binary, zero, Informational, [];
        /// Server key fingerprint, left justified, padded with X'00'.
        "SMF119SC_SSH_SKey_FP" s_key_fp: [u8; 64] = 60, Bytes, zero, Informational, [];
        /// Client key fingerprint, left justified, padded with X'00'.
        "SMF119SC_SSH_CKey_FP" c_key_fp: [u8; 64] = 124, Bytes, zero, Informational, [];
        /// Signature algorithm of the server X.509 certificate.
        "SMF119SC_SSH_SCert_Signature_Method" s_cert_signature_method: u16 = 188, Binary, zero, Significant, [smf::SIGNATURE_METHOD];
        /// Encryption half of that signature algorithm.
        "SMF119SC_SSH_SCert_Enc_Method" s_cert_enc_method: u16 = 190, Binary, zero, Significant, [smf::CERT_ENC_METHOD];
        /// Digest half of that signature algorithm.
        "SMF119SC_SSH_SCert_Digest_Alg" s_cert_digest_alg: u16 = 192, Binary, zero, Significant, [smf::DIGEST_ALG];
        /// Reserved; write zeros, ignore on read.
        "SMF119SC_SSH_Rsvd3" rsvd3: [u8; 1] = 194, Reserved, zero, None, [];
        /// Length of the server certificate serial number.
        "SMF119SC_SSH_SCert_Serial_Len" s_cert_serial_len: u8 = 195, Binary, zero, Informational, [];
        /// Server certificate serial number, left justified.
        "SMF119SC_SSH_SCert_Serial" s_cert_serial: [u8; 20] = 196, Bytes, zero, Informational, [];
        /// Form of the server certificate's not-after time.
        "SMF119SC_SSH_SCert_Time_Type" s_cert_time_type: u8 = 216, Binary, zero, Informational, [smf::CERT_TIME_TYPE];
        /// Server certificate's not-after time, same forms as in the TLS section.
        "SMF119SC_SSH_SCert_Time" s_cert_time: [u8; 15] = 217, Ebcdic, zero, Informational, [];
        /// Public key type of the server certificate.
        "SMF119SC_SSH_SCert_Key_Type" s_cert_key_type: u16 = 232, Binary, zero, Significant, [smf::KEY_TYPE];
        /// Public key length of the server certificate in bits.
        "SMF119SC_SSH_SCert_Key_Len" s_cert_key_len: u16 = 234, Binary, zero, Significant, [];
        /// Signature algorithm of the client X.509 certificate.
        "SMF119SC_SSH_CCert_Signature_Method" c_cert_signature_method: u16 = 236, Binary, zero, Significant, [smf::SIGNATURE_METHOD];
        /// Encryption half of that signature algorithm.
        "SMF119SC_SSH_CCert_Enc_Method" c_cert_enc_method: u16 = 238, Binary, zero, Significant, [smf::CERT_ENC_METHOD];
        /// Digest half of that signature algorithm.
        "SMF119SC_SSH_CCert_Digest_Alg" c_cert_digest_alg: u16 = 240, Binary, zero, Significant, [smf::DIGEST_ALG];
        /// Reserved; write zeros, ignore on read.
        "SMF119SC_SSH_Rsvd4" rsvd4: [u8; 1] = 242, Reserved, zero, None, [];
        /// Length of the client certificate serial number.
        "SMF119SC_SSH_CCert_Serial_Len" c_cert_serial_len: u8 = 243, Binary, zero, Informational, [];
        /// Client certificate serial number, left justified.
        "SMF119SC_SSH_CCert_Serial" c_cert_serial: [u8; 20] = 244, Bytes, zero, Informational, [];
        /// Form of the client certificate's not-after time.
        "SMF119SC_SSH_CCert_Time_Type" c_cert_time_type: u8 = 264, Binary, zero, Informational, [smf::CERT_TIME_TYPE];
        /// Client certificate's not-after time, same forms as in the TLS section.
        "SMF119SC_SSH_CCert_Time" c_cert_time: [u8; 15] = 265, Ebcdic, zero, Informational, [];
        /// Public key type of the client certificate.
        "SMF119SC_SSH_CCert_Key_Type" c_cert_key_type: u16 = 280, Binary, zero, Significant, [smf::KEY_TYPE];
        /// Public key length of the client certificate in bits.
        "SMF119SC_SSH_CCert_Key_Len" c_cert_key_len: u16 = 282, Binary, zero, Significant, [];
    }
}

section! {
    /// What 3.2 has put in the place of reserved bytes.
    pub struct SshV3r2("S4", "SSH protocol attributes section", 8, from 4 since V3r2) {
        /// SSH section flags (failed handshake).
        "SMF119SC_SSH_Flags" flags: u8 = 4, Flags, zero, None, [smf::SSH_FLAGS];
        /// Rest of the reserved word.
        "SMF119SC_SSH_Rsvd1_v32" rsvd1: [u8; 3] = 5, Reserved, zero, None, [];
    }
}

section! {
    /// IPSec protocol attributes section.
    pub struct Ipsec("S5", "IPSec protocol attributes section", 236) {
        /// IKE tunnel identifier (numeric part of K-tunnel ID).
        "SMF119SC_IPSec_IKETunID" ike_tun_id: u32 = 0, Binary, zero, Informational, [];
        /// IKE major version, low 4 bits.
        "SMF119SC_IPSec_IKEMajVer" ike_maj_ver: u8 = 4, Binary, zero, Significant, [];
        /// IKE minor version, low 4 bits.
        "SMF119SC_IPSec_IKEMinVer" ike_min_ver: u8 = 5, Binary, zero, Significant, [];
        /// Reserved; write zeros, ignore on read.
        "SMF119SC_IPsec_Rsvd1" rsvd1: [u8; 2] = 6, Reserved, zero, None, [];
        /// Key exchange rule of the IKE tunnel, blank padded.
        "SMF119SC_IPSec_IKETunKeyExchRule" ike_tun_key_exch_rule: [u8; 48] = 8, Ebcdic, blank, Informational, [];
        /// Local tunnel endpoint, form as in the common section.
        "SMF119SC_IPSec_IKETunLclEndpt" ike_tun_lcl_endpt: [u8; 16] = 56, Ip, zero, Significant, [];
        /// Remote tunnel endpoint.
        "SMF119SC_IPSec_IKETunRmtEndpt" ike_tun_rmt_endpt: [u8; 16] = 72, Ip, zero, Significant, [];
        /// Authentication method of the local endpoint.
        "SMF119SC_IPSec_IKETunLclAuthMeth" ike_tun_lcl_auth_meth: u16 = 88, Binary, zero, Significant, [smf::IKE_AUTH];
        /// Authentication method of the remote endpoint.
        "SMF119SC_IPSec_IKETunRmtAuthMeth" ike_tun_rmt_auth_meth: u16 = 90, Binary, zero, Significant, [smf::IKE_AUTH];
        /// IKE tunnel message authentication.
        "SMF119SC_IPSec_IKETunAuthAlg" ike_tun_auth_alg: u16 = 92, Binary, zero, Significant, [smf::MSG_AUTH];
        /// IKE tunnel cipher.
        "SMF119SC_IPSec_IKETunEncAlg" ike_tun_enc_alg: u16 = 94, Binary, zero, Significant, [smf::ENC_ALG];
        /// Diffie-Hellman group of the IKE tunnel.
        "SMF119SC_IPSec_IKETunDHGroup" ike_tun_dh_group: u16 = 96, Binary, zero, Significant, [smf::DH_GROUP];
        /// Pseudo-random function of the IKE tunnel.
        "SMF119SC_IPSec_IKETunPseudoRandFunc" ike_tun_pseudo_rand_func: u16 = 98, Binary, zero, Significant, [smf::IKE_PRF];
        /// IKE tunnel life size in KB, 0 if not enforced.
        "SMF119SC_IPSec_IKETunLifesize" ike_tun_lifesize: u32 = 100, Binary, zero, Informational, [];
        /// IKE tunnel lifetime in minutes.
        "SMF119SC_IPSec_IKETunLifetime" ike_tun_lifetime: u32 = 104, Binary, zero, Informational, [];
        /// Minutes between reauthentications.
        "SMF119SC_IPSec_IKETunReauthIntvl" ike_tun_reauth_intvl: u32 = 108, Binary, zero, Informational, [];
        /// Signature algorithm of the local IKE certificate.
        "SMF119SC_IPSec_LclCert_Sign_Meth" lcl_cert_sign_meth: u16 = 112, Binary, zero, Significant, [smf::SIGNATURE_METHOD];
        /// Encryption half of that signature algorithm.
        "SMF119SC_IPSec_LclCert_Enc_Meth" lcl_cert_enc_meth: u16 = 114, Binary, zero, Significant, [smf::CERT_ENC_METHOD];
        /// Digest half of that signature algorithm.
        "SMF119SC_IPSec_LclCert_Digest_Alg" lcl_cert_digest_alg: u16 = 116, Binary, zero, Significant, [smf::DIGEST_ALG];
        /// Reserved; write zeros, ignore on read.
        "SMF119SC_IPsec_Rsvd2" rsvd2: [u8; 1] = 118, Reserved, zero, None, [];
        /// Length of the local certificate serial number.
        "SMF119SC_IPSec_LclCert_Serial_Len" lcl_cert_serial_len: u8 = 119, Binary, zero, Informational, [];
        /// Local certificate serial number, left justified.
        "SMF119SC_IPSec_LclCert_Serial" lcl_cert_serial: [u8; 20] = 120, Bytes, zero, Informational, [];
        /// Form of the local certificate's not-after time; 0 for a manual tunnel.
        "SMF119SC_IPSec_LclCert_Time_Type" lcl_cert_time_type: u8 = 140, Binary, zero, Informational, [smf::CERT_TIME_TYPE];
        /// Local certificate's not-after time, same forms as in the TLS section.
        "SMF119SC_IPSec_LclCert_Time" lcl_cert_time: [u8; 15] = 141, Ebcdic, zero, Informational, [];
        /// Public key type of the local certificate.
        "SMF119SC_IPSec_LclCert_Key_Type" lcl_cert_key_type: u16 = 156, Binary, zero, Significant, [smf::KEY_TYPE];
        /// Public key length of the local certificate in bits.
        "SMF119SC_IPSec_LclCert_Key_Len" lcl_cert_key_len: u16 = 158, Binary, zero, Significant, [];
        /// Signature algorithm of the remote IKE certificate.
        "SMF119SC_IPSec_RmtCert_Sign_Meth" rmt_cert_sign_meth: u16 = 160, Binary, zero, Significant, [smf::SIGNATURE_METHOD];
        /// Encryption half of that signature algorithm.
        "SMF119SC_IPSec_RmtCert_Enc_Meth" rmt_cert_enc_meth: u16 = 162, Binary, zero, Significant, [smf::CERT_ENC_METHOD];
        /// Digest half of that signature algorithm.
        "SMF119SC_IPSec_RmtCert_Digest_Alg" rmt_cert_digest_alg: u16 = 164, Binary, zero, Significant, [smf::DIGEST_ALG];
        /// Reserved; write zeros, ignore on read.
        "SMF119SC_IPSec_Rsvd3" rsvd3: [u8; 1] = 166, Reserved, zero, None, [];
        /// Length of the remote certificate serial number.
        "SMF119SC_IPSec_RmtCert_Serial_Len" rmt_cert_serial_len: u8 = 167, Binary, zero, Informational, [];
        /// Remote certificate serial number, left justified.
        "SMF119SC_IPSec_RmtCert_Serial" rmt_cert_serial: [u8; 20] = 168, Bytes, zero, Informational, [];
        /// Form of the remote certificate's not-after time; 0 for a manual tunnel.
        "SMF119SC_IPSec_RmtCert_Time_Type" rmt_cert_time_type: u8 = 188, Binary, zero, Informational, [smf::CERT_TIME_TYPE];
        /// Remote certificate's not-after time, same forms as in the TLS section.
        "SMF119SC_IPSec_RmtCert_Time" rmt_cert_time: [u8; 15] = 189, Ebcdic, zero, Informational, [];
        /// Public key type of the remote certificate.
        "SMF119SC_IPSec_RmtCert_Key_Type" rmt_cert_key_type: u16 = 204, Binary, zero, Significant, [smf::KEY_TYPE];
        /// Public key length of the remote certificate in bits.
        "SMF119SC_IPSec_RmtCert_Key_Len" rmt_cert_key_len: u16 = 206, Binary, zero, Significant, [];
        /// IPSec tunnel identifier (numeric part of Y- or M-tunnel ID).
        "SMF119SC_IPSec_TunID" tun_id: u32 = 208, Binary, zero, Informational, [];
        /// IP tunnel flags.
        "SMF119SC_IPSec_TunFlags" tun_flags: u8 = 212, Flags, zero, Informational, [smf::IPSEC_TUN_FLAGS];
        /// Tunnel type.
        "SMF119SC_IPSec_TunType" tun_type: u8 = 213, Binary, zero, Significant, [smf::IPSEC_TUN_TYPE];
        /// Tunnel state.
        "SMF119SC_IPSec_TunState" tun_state: u8 = 214, Binary, zero, Significant, [smf::IPSEC_TUN_STATE];
        /// Reserved; write zeros, ignore on read.
        "SMF119SC_IPSec_Rsvd4" rsvd4: [u8; 1] = 215, Reserved, zero, None, [];
        /// Encapsulation mode.
        "SMF119SC_IPSec_EncapMode" encap_mode: u8 = 216, Binary, zero, Significant, [smf::IPSEC_ENCAP];
        /// Protocol that carries the message authentication.
        "SMF119SC_IPSec_AuthProto" auth_proto: u8 = 217, Binary, zero, Significant, [smf::IPSEC_AUTH_PROTO];
        /// Tunnel message authentication.
        "SMF119SC_IPSec_AuthAlg" auth_alg: u16 = 218, Binary, zero, Significant, [smf::MSG_AUTH];
        /// Tunnel cipher.
        "SMF119SC_IPSec_EncAlg" enc_alg: u16 = 220, Binary, zero, Significant, [smf::ENC_ALG];
        /// Diffie-Hellman group for perfect forward secrecy.
        "SMF119SC_IPSec_PFSGroup" pfs_group: u16 = 222, Binary, zero, Significant, [smf::DH_GROUP];
        /// SA life size in KB; 0 for a manual tunnel.
        "SMF119SC_IPSec_Lifesize" lifesize: u32 = 224, Binary, zero, Informational, [];
        /// SA lifetime in minutes; 0 for a manual tunnel.
        "SMF119SC_IPSec_Lifetime" lifetime: u32 = 228, Binary, zero, Informational, [];
        /// Minutes after which the tunnel family stops being refreshed; 0 for no limit.
        "SMF119SC_IPSec_VPNLifeExpire" vpn_life_expire: u32 = 232, Binary, zero, Informational, [];
    }
}
