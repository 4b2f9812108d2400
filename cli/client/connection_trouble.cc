#include "cli/client/connection_trouble.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "common/rpc/tls.h"

namespace fleetqshape {
namespace {

constexpr int kStepSeconds = 1;

struct Freer {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  void operator()(SSL* connection) const { SSL_free(connection); }
  void operator()(X509* certificate) const { X509_free(certificate); }
};

// "[::1]:7777" is of "::1".
std::string HostOf(const std::string& server) {
  std::string host = server.substr(0, server.rfind(':'));
  if (host.starts_with('[')) host = host.substr(1, host.size() - 2);
  return host;
}

// Of getaddrinfo.
std::string LookupTrouble(int error, const std::string& host) {
  switch (error) {
    case EAI_NONAME:
    case EAI_NODATA:
      return absl::StrCat("there is no host of the name ", host);
    case EAI_AGAIN:
      return absl::StrCat("the name ", host, " cannot be looked up: no name server answers");
    default:
      return absl::StrCat("the name ", host, " cannot be looked up: ", gai_strerror(error));
  }
}

// Of connect.
std::string ConnectTrouble(int error) {
  switch (error) {
    case ECONNREFUSED:
      return "connection refused: nothing listens there";
    // What a time limit of a socket ends with.
    case EINPROGRESS:
    case EAGAIN:
    case ETIMEDOUT:
      return "nothing comes back from there: is the machine up, and does a firewall let us through";
    default:
      return std::strerror(error);
  }
}

// A connection; -1, and *trouble, if there is none.
int Connect(const std::string& server, std::string* trouble) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const std::string host = HostOf(server);
  const std::string port = server.substr(server.rfind(':') + 1);
  const int error = getaddrinfo(host.c_str(), port.c_str(), &hints, &found);
  if (error != 0) {
    *trouble = LookupTrouble(error, host);
    return -1;
  }
  const absl::Cleanup free_found = [found] { freeaddrinfo(found); };
  for (const addrinfo* one = found; one != nullptr; one = one->ai_next) {
    const int fd = socket(one->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) continue;
    const timeval limit{kStepSeconds, 0};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
    if (connect(fd, one->ai_addr, one->ai_addrlen) == 0) return fd;
    *trouble = ConnectTrouble(errno);
    close(fd);
  }
  return -1;
}

// Who a certificate is for: its first name of a host or address.
std::string NameIn(X509* certificate) {
  auto* const names = static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
  const absl::Cleanup free_names = [names] { GENERAL_NAMES_free(names); };
  for (int i = 0; i < sk_GENERAL_NAME_num(names); ++i) {
    const GENERAL_NAME* const name = sk_GENERAL_NAME_value(names, i);
    if (name->type == GEN_DNS) {
      return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.dNSName)),
              static_cast<size_t>(ASN1_STRING_length(name->d.dNSName))};
    }
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (name->type == GEN_IPADD) {
      const int length = ASN1_STRING_length(name->d.iPAddress);
      const int family = length == 4 ? AF_INET : AF_INET6;
      if ((length == 4 || length == 16) &&
          inet_ntop(family, ASN1_STRING_get0_data(name->d.iPAddress), text.data(), text.size())) {
        return text.data();
      }
    }
  }
  return "nobody";
}

std::string CertificateTrouble(long verified, X509* certificate, const std::string& host,
                               const TlsOptions& tls) {
  switch (verified) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return absl::StrCat("its certificate expired on ",
                          CertificateTimeText(X509_get0_notAfter(certificate)), ": renew it there");
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return absl::StrCat("its certificate is not valid before ",
                          CertificateTimeText(X509_get0_notBefore(certificate)),
                          ": are the clocks right?");
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return absl::StrCat("its certificate is for ", NameIn(certificate), ", not for ", host,
                          ": ask it by the name in its certificate");
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
      return tls.ca_file.empty()
                 ? "its certificate is from an authority that this system does not know: name that "
                   "authority's certificate with --tls-ca FILE"
                 : absl::StrCat("its certificate is from another authority than those in ",
                                tls.ca_file, ": give the right ones with --tls-ca FILE");
    default:
      return absl::StrCat("its certificate is not good: ", X509_verify_cert_error_string(verified));
  }
}

// Why there was no handshake.
std::string HandshakeTrouble(unsigned long error) {
  if (ERR_GET_LIB(error) != ERR_LIB_SSL) return "";
  switch (ERR_GET_REASON(error)) {
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_HTTP_REQUEST:
    case SSL_R_PACKET_LENGTH_TOO_LONG:
      return "it speaks plain text, not TLS: ask it without the tls options, or give it a "
             "certificate (fleetqshape-aggregator --query-tls-certificate)";
    default:
      if (ERR_GET_REASON(error) < SSL_AD_REASON_OFFSET) return "";
      return absl::StrCat("it refuses us: ", ERR_reason_error_string(error));
  }
}

// OpenSSL calls it when the other end asks for our certificate.
int NoteRequest(SSL* /*connection*/, void* asked) {
  *static_cast<bool*>(asked) = true;
  return 1;
}

// Whether the other end drops the connection rather than to talk. With TLS 1.3 it looks at our
// certificate after the handshake is over for us. A gRPC server does not say why.
bool IsTurnedAway(SSL* connection) {
  char byte = 0;
  ERR_clear_error();
  const int read = SSL_read(connection, &byte, 1);
  return read <= 0 && SSL_get_error(connection, read) != SSL_ERROR_WANT_READ;
}

std::string RefusalText(const TlsOptions& tls) {
  return tls.certificate_file.empty()
             ? "it answers those only who have a certificate: give --tls-certificate and --tls-key"
             : absl::StrCat("it does not take ", tls.certificate_file,
                            ": is that from an authority that it knows, and are the clocks right?");
}

std::unique_ptr<SSL_CTX, Freer> MakeContext(const TlsOptions& tls) {
  std::unique_ptr<SSL_CTX, Freer> context(SSL_CTX_new(TLS_client_method()));
  if (context == nullptr) return nullptr;
  // What is wrong with the other's certificate is asked for after the handshake.
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_NONE, nullptr);
  if (tls.ca_file.empty()) {
    SSL_CTX_set_default_verify_paths(context.get());
  } else {
    SSL_CTX_load_verify_file(context.get(), tls.ca_file.c_str());
  }
  if (!tls.certificate_file.empty()) {
    SSL_CTX_use_certificate_chain_file(context.get(), tls.certificate_file.c_str());
    SSL_CTX_use_PrivateKey_file(context.get(), tls.key_file.c_str(), SSL_FILETYPE_PEM);
  }
  constexpr std::array<unsigned char, 3> kHttp2 = {2, 'h', '2'};
  SSL_CTX_set_alpn_protos(context.get(), kHttp2.data(), kHttp2.size());
  return context;
}

// What TLS says over the connection `fd`. *silent: nothing comes back. (A gRPC server in plain text
// says something, too.)
std::string TlsTrouble(int fd, const std::string& server, const TlsOptions& tls, bool* silent) {
  const absl::Cleanup clear_errors = [] { ERR_clear_error(); };
  const auto context = MakeContext(tls);
  if (context == nullptr) return "";
  const std::unique_ptr<SSL, Freer> connection(SSL_new(context.get()));
  bool asked_for_ours = false;
  SSL_set_cert_cb(connection.get(), NoteRequest, &asked_for_ours);
  const std::string host = HostOf(server);
  X509_VERIFY_PARAM* const wanted = SSL_get0_param(connection.get());
  if (X509_VERIFY_PARAM_set1_ip_asc(wanted, host.c_str()) != 1) {
    X509_VERIFY_PARAM_set1_host(wanted, host.c_str(), host.size());
    SSL_set_tlsext_host_name(connection.get(), host.c_str());
  }
  SSL_set_fd(connection.get(), fd);
  ERR_clear_error();
  if (const int result = SSL_connect(connection.get()); result != 1) {
    *silent = SSL_get_error(connection.get(), result) == SSL_ERROR_WANT_READ;
    return tls.enabled() ? HandshakeTrouble(ERR_peek_error()) : "";
  }
  if (!tls.enabled()) {
    return "it speaks TLS: give --tls-ca FILE, its authority's certificate, or --tls for those "
           "that the system knows";
  }
  const std::unique_ptr<X509, Freer> certificate(SSL_get1_peer_certificate(connection.get()));
  const long verified = SSL_get_verify_result(connection.get());
  if (verified != X509_V_OK && certificate != nullptr) {
    return CertificateTrouble(verified, certificate.get(), host, tls);
  }
  return asked_for_ours && IsTurnedAway(connection.get()) ? RefusalText(tls) : "";
}

}  // namespace

ConnectionTrouble FindConnectionTrouble(const std::string& server, const TlsOptions& tls) {
  ConnectionTrouble trouble;
  const int fd = Connect(server, &trouble.text);
  if (fd < 0) return trouble;
  const absl::Cleanup close_fd = [fd] { close(fd); };
  trouble.connected = true;
  trouble.text = TlsTrouble(fd, server, tls, &trouble.silent);
  return trouble;
}

}  // namespace fleetqshape
