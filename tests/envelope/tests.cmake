unit_tests(envelope hpke_test.cpp identity_test.cpp openssl_interop_test.cpp recipient_test.cpp)
