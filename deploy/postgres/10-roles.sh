#!/usr/bin/env bash
# Runs once, when the database directory is made: the logins of the owner, the app and platform administration.
# The group roles are the ones that row-level security names; no login but the owner may take both.
set -euo pipefail

psql --set=ON_ERROR_STOP=1 --username=postgres --dbname=postgres \
    --set=owner="$OWNER_PASSWORD" --set=app="$APP_PASSWORD" --set=platform="$PLATFORM_PASSWORD" <<'SQL'
CREATE ROLE tenantry_app NOLOGIN NOINHERIT;
CREATE ROLE tenantry_platform NOLOGIN NOINHERIT;

CREATE ROLE tenantry_owner LOGIN PASSWORD :'owner';
GRANT tenantry_app, tenantry_platform TO tenantry_owner WITH INHERIT FALSE, SET TRUE;

CREATE ROLE tenantry_app_login LOGIN NOINHERIT PASSWORD :'app';
GRANT tenantry_app TO tenantry_app_login;

CREATE ROLE tenantry_platform_login LOGIN NOINHERIT PASSWORD :'platform';
GRANT tenantry_platform TO tenantry_platform_login;

CREATE DATABASE tenantry OWNER tenantry_owner;
REVOKE CONNECT, TEMPORARY ON DATABASE tenantry FROM PUBLIC;
GRANT CONNECT ON DATABASE tenantry TO tenantry_app_login, tenantry_platform_login;
SQL
