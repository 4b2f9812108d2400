#include "common/rpc/tls.h"

#include <grpcpp/security/credentials.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_credentials_options.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <cerrno>
#include <cstring>
#include <ctime>
#include <fstream>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/rpc/channel.h"

namespace fleetqshape {
namespace {

struct Freer {
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};

absl::Status Wrong(const std::string& file, const std::string& what) {
  return absl::InvalidArgumentError(absl::StrCat(file, ": ", what));
}

absl::StatusOr<std::string> ReadPem(const std::string& file) {
  errno = 0;
  std::ifstream input(file, std::ios::binary);
  std::string text((std::istreambuf_iterator<char>(input)), std::istreambuf_iterator<char>());
  if (!input.is_open() || input.bad() || (text.empty() && errno != 0)) {
    return Wrong(file, absl::StrCat("cannot be read: ", std::strerror(errno)));
  }
  return text;
}

std::unique_ptr<BIO, Freer> Reader(const std::string& text) {
  return std::unique_ptr<BIO, Freer>(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

// The first certificate in `text`; null if there is none.
std::unique_ptr<X509, Freer> Certificate(const std::string& text) {
  std::unique_ptr<X509, Freer> found(
      PEM_read_bio_X509(Reader(text).get(), nullptr, nullptr, nullptr));
  ERR_clear_error();
  return found;
}

// Refuses to ask anybody for a key's password.
int NoPassword(char* /*buffer*/, int /*size*/, int /*writing*/, void* /*context*/) { return -1; }

absl::Status CheckPair(const TlsFiles& files) {
  if (files.certificate_file.empty() != files.key_file.empty()) {
    return absl::InvalidArgumentError("a certificate and its key go together: one is missing");
  }
  if (files.certificate_file.empty()) return absl::OkStatus();
  FQS_ASSIGN_OR_RETURN(const std::string text, ReadPem(files.certificate_file));
  const auto certificate = Certificate(text);
  if (certificate == nullptr) return Wrong(files.certificate_file, "holds no certificate in PEM");
  FQS_ASSIGN_OR_RETURN(const std::string key_text, ReadPem(files.key_file));
  const std::unique_ptr<EVP_PKEY, Freer> key(
      PEM_read_bio_PrivateKey(Reader(key_text).get(), nullptr, NoPassword, nullptr));
  const bool fits = key != nullptr && X509_check_private_key(certificate.get(), key.get()) == 1;
  ERR_clear_error();
  if (key == nullptr)
    return Wrong(files.key_file, "holds no private key in PEM without a password");
  if (!fits)
    return Wrong(files.key_file, absl::StrCat("is not the key of ", files.certificate_file));
  const ASN1_TIME* const end = X509_get0_notAfter(certificate.get());
  if (X509_cmp_current_time(end) < 0) {
    return Wrong(files.certificate_file, absl::StrCat("this certificate expired on ",
                                                      CertificateTimeText(end), ": renew it"));
  }
  const ASN1_TIME* const begin = X509_get0_notBefore(certificate.get());
  if (X509_cmp_current_time(begin) > 0) {
    return Wrong(files.certificate_file,
                 absl::StrCat("this certificate is not valid before ", CertificateTimeText(begin),
                              ": is the clock right?"));
  }
  return absl::OkStatus();
}

}  // namespace

std::string CertificateTimeText(const ASN1_TIME* time) {
  std::tm utc{};
  char text[64];
  if (ASN1_TIME_to_tm(time, &utc) != 1 ||
      std::strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S UTC", &utc) == 0) {
    return "an unknown time";
  }
  return text;
}

absl::Status CheckTlsFiles(const TlsFiles& files) {
  if (!files.ca_file.empty()) {
    FQS_ASSIGN_OR_RETURN(const std::string text, ReadPem(files.ca_file));
    if (Certificate(text) == nullptr) return Wrong(files.ca_file, "holds no certificate in PEM");
  }
  return CheckPair(files);
}

absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> ClientTls(const TlsFiles& files) {
  FQS_RETURN_IF_ERROR(CheckTlsFiles(files));
  PrepareGrpc();
  grpc::SslCredentialsOptions options;
  if (!files.ca_file.empty()) {
    FQS_ASSIGN_OR_RETURN(options.pem_root_certs, ReadPem(files.ca_file));
  }
  if (!files.certificate_file.empty()) {
    FQS_ASSIGN_OR_RETURN(options.pem_cert_chain, ReadPem(files.certificate_file));
    FQS_ASSIGN_OR_RETURN(options.pem_private_key, ReadPem(files.key_file));
  }
  return grpc::SslCredentials(options);
}

absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> ServerTls(const TlsFiles& files) {
  FQS_RETURN_IF_ERROR(CheckTlsFiles(files));
  PrepareGrpc();
  const auto provider = std::make_shared<grpc::experimental::FileWatcherCertificateProvider>(
      files.key_file, files.certificate_file, files.ca_file, kTlsRefreshSeconds);
  grpc::experimental::TlsServerCredentialsOptions options(provider);
  options.watch_identity_key_cert_pairs();
  if (!files.ca_file.empty()) {
    options.watch_root_certs();
    options.set_cert_request_type(GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  }
  return grpc::experimental::TlsServerCredentials(options);
}

}  // namespace fleetqshape
