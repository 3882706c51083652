unit_tests(tls ready_set_test.cpp resolver_test.cpp stream_test.cpp)
target_link_libraries(tls_test PRIVATE test_support)
