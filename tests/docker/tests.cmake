# With a container engine (the manifests with npm); run only when named: ./test docker, ./test debian13. Skipped without.
add_test(NAME docker-compose COMMAND ${CMAKE_CURRENT_LIST_DIR}/compose_test)
set_tests_properties(docker-compose PROPERTIES LABELS docker TIMEOUT 5400 SKIP_RETURN_CODE 77 RESOURCE_LOCK docker)
add_test(NAME docker-package COMMAND ${CMAKE_CURRENT_LIST_DIR}/package_test)
set_tests_properties(docker-package PROPERTIES LABELS docker TIMEOUT 5400 SKIP_RETURN_CODE 77 RESOURCE_LOCK docker)
add_test(NAME debian13 COMMAND ${CMAKE_CURRENT_LIST_DIR}/debian13_test)
set_tests_properties(debian13 PROPERTIES LABELS debian13 TIMEOUT 10800 SKIP_RETURN_CODE 77 RESOURCE_LOCK docker)
add_test(NAME kubernetes-manifests COMMAND ${CMAKE_CURRENT_LIST_DIR}/manifests_test)
set_tests_properties(kubernetes-manifests PROPERTIES LABELS docker TIMEOUT 600 SKIP_RETURN_CODE 77)
