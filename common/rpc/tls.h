// Certificates for gRPC.
#ifndef FLEETQSHAPE_COMMON_RPC_TLS_H_
#define FLEETQSHAPE_COMMON_RPC_TLS_H_

#include <openssl/types.h>

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace grpc {
class ChannelCredentials;
class ServerCredentials;
}  // namespace grpc

namespace fleetqshape {

// Paths of files in PEM.
struct TlsFiles {
  std::string ca_file;           // the authorities that the other end's certificate may be from
  std::string certificate_file;  // one's own, followed by those between it and its authority
  std::string key_file;
};

// Whether the files that are named can be used now: they can be read, the key is the certificate's,
// which is valid at this time. INVALID_ARGUMENT with what to do if not.
absl::Status CheckTlsFiles(const TlsFiles& files);

// As 2026-11-22 07:30:00 UTC.
std::string CertificateTimeText(const ASN1_TIME* time);

// What a client shows and takes. Without ca_file the system's authorities count; without
// certificate_file the client has no name. The files are read now; errors as above.
absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> ClientTls(const TlsFiles& files);

// What a server shows and takes, with threads of its own; needs a certificate and its key. With
// ca_file clients must have a certificate from those authorities. Files that change are read again,
// within kTlsRefreshSeconds; pairs that do not fit are left alone until they do. Errors as above.
inline constexpr int kTlsRefreshSeconds = 5;
absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> ServerTls(const TlsFiles& files);

}  // namespace fleetqshape

#endif  // FLEETQSHAPE_COMMON_RPC_TLS_H_
