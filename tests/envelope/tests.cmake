unit_tests(envelope command_holder_test.cpp hpke_test.cpp identity_test.cpp key_ring_test.cpp openssl_interop_test.cpp pkcs11_test.cpp
  recipient_test.cpp vault_test.cpp)
target_link_libraries(envelope_test PRIVATE test_support)

# A PKCS#11 module for the tests to load: the ways of tokens other than SoftHSM2.
add_library(odd_token MODULE ${CMAKE_CURRENT_LIST_DIR}/odd_token.cpp)
target_include_directories(odd_token PRIVATE ${PKCS11_INCLUDE})
target_link_libraries(odd_token PRIVATE OpenSSL::Crypto ${CMAKE_DL_LIBS})
add_dependencies(envelope_test odd_token)
target_compile_definitions(envelope_test PRIVATE ODD_TOKEN="$<TARGET_FILE:odd_token>")
