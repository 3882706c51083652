unit_tests(envelope hpke_test.cpp identity_test.cpp openssl_interop_test.cpp pkcs11_test.cpp
  recipient_test.cpp)
target_link_libraries(envelope_test PRIVATE test_support)
